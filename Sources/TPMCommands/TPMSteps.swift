/// The steps that keys in a TPM take, each one command.
extension TPMConnection {
  private static let owner: UInt32 = 0x4000_0001
  private static let none: UInt32 = 0x4000_0007
  private static let endorsement: UInt32 = 0x4000_000b

  package struct Loaded {
    let handle: UInt32
    /// TPM2B_PUBLIC.
    package let publicArea: [UInt8]
  }

  package func endorsementKey(_ kind: EndorsementKind) throws(TPMFailure) -> Loaded {
    try primary(TPMConnection.endorsement, passwords.endorsement, kind.template)
  }

  package func attestationKey() throws(TPMFailure) -> Loaded {
    try primary(TPMConnection.endorsement, passwords.endorsement, TPMTemplate.attestation)
  }

  package func storageKey() throws(TPMFailure) -> Loaded {
    try primary(TPMConnection.owner, passwords.owner, TPMTemplate.storage)
  }

  private func primary(
    _ hierarchy: UInt32, _ password: [UInt8], _ template: [UInt8]
  ) throws(TPMFailure) -> Loaded {
    var response = try send(
      TPMCommand(
        code: .createPrimary, handles: [hierarchy], authorizations: [.password(password)],
        parameters: TPMConnection.making(template)))
    return Loaded(handle: response.handle ?? 0, publicArea: try response.whole())
  }

  /// No password, no data from outside, no registers.
  private static func making(_ template: [UInt8]) -> [UInt8] {
    sized([0, 0, 0, 0]) + sized(template) + [0, 0] + [0, 0, 0, 0]
  }

  /// Makes the device key under the storage key.
  package func makeDeviceKey(under parent: Loaded) throws(TPMFailure) -> TPMKeyBlob {
    var response = try send(
      TPMCommand(
        code: .create, handles: [parent.handle], authorizations: [.emptyPassword],
        parameters: TPMConnection.making(TPMTemplate.device)))
    return TPMKeyBlob(privatePart: try response.whole(), publicArea: try response.whole())
  }

  package func load(_ blob: TPMKeyBlob, under parent: Loaded) throws(TPMFailure) -> Loaded {
    let response = try send(
      TPMCommand(
        code: .load, handles: [parent.handle], authorizations: [.emptyPassword],
        parameters: blob.privatePart + blob.publicArea))
    return Loaded(handle: response.handle ?? 0, publicArea: blob.publicArea)
  }

  package func unload(_ key: Loaded) throws(TPMFailure) { try forget(key.handle) }

  /// ECDSA over a SHA-256 digest: r and s, each of 32 bytes.
  package func sign(_ digest: [UInt8], with key: Loaded) throws(TPMFailure) -> [UInt8] {
    var response = try send(
      TPMCommand(
        code: .sign, handles: [key.handle], authorizations: [.emptyPassword],
        parameters: sized(digest) + [0x00, 0x18, 0x00, 0x0b] + [0x80, 0x24] + be(TPMConnection.none) + [0, 0]))
    guard try response.number(2) == 0x18, try response.number(2) == 0x0b else {
      throw TPMFailure("expected ECDSA with SHA-256 of the TPM, found another signature")
    }
    return try padded(try response.sizedBytes()) + padded(try response.sizedBytes())
  }

  private func padded(_ number: [UInt8]) throws(TPMFailure) -> [UInt8] {
    guard number.count <= 32 else { throw TPMFailure("expected a number of 32 bytes of the TPM, found more") }
    return [UInt8](repeating: 0, count: 32 - number.count) + number
  }

  /// TPMS_ATTEST and TPMT_SIGNATURE of TPM2_Certify.
  package func certify(
    _ key: Loaded, by attestationKey: Loaded, nonce: [UInt8]
  ) throws(TPMFailure) -> (info: [UInt8], signature: [UInt8]) {
    var response = try send(
      TPMCommand(
        code: .certify, handles: [key.handle, attestationKey.handle],
        authorizations: [.emptyPassword, .emptyPassword], parameters: sized(nonce) + [0x00, 0x10]))
    return (try response.sizedBytes(), response.remainder())
  }

  /// TPMS_ATTEST and TPMT_SIGNATURE of TPM2_Quote over registers of the SHA-256 bank.
  package func quote(
    _ registers: [Int], by attestationKey: Loaded, nonce: [UInt8]
  ) throws(TPMFailure) -> (info: [UInt8], signature: [UInt8]) {
    var response = try send(
      TPMCommand(
        code: .quote, handles: [attestationKey.handle], authorizations: [.emptyPassword],
        parameters: sized(nonce) + [0x00, 0x10] + TPMConnection.selection(registers)))
    return (try response.sizedBytes(), response.remainder())
  }

  /// What stands in a register of the SHA-256 bank.
  package func value(ofRegister register: Int) throws(TPMFailure) -> [UInt8] {
    var response = try send(TPMCommand(code: .pcrRead, parameters: TPMConnection.selection([register])))
    // pcrUpdateCounter, and the selection once more.
    _ = try response.take(4 + TPMConnection.selection([]).count)
    guard try response.number(4) == 1 else {
      throw TPMFailure("expected a TPM with registers by SHA-256, found no register \(register) in it")
    }
    return try response.sizedBytes()
  }

  /// TPML_PCR_SELECTION (part 2 §10.9.7) of the SHA-256 bank.
  private static func selection(_ registers: [Int]) -> [UInt8] {
    var bits: [UInt8] = [0, 0, 0]
    for register in registers where (0..<24).contains(register) { bits[register / 8] |= 1 << UInt8(register % 8) }
    return be(1 as UInt32) + [0x00, 0x0b, 0x03] + bits
  }

  /// TPM2_ActivateCredential, in a session that holds the endorsement key's policy. `credential` is TPM2B_ID_OBJECT,
  /// `encryptedSecret` TPM2B_ENCRYPTED_SECRET.
  package func activate(
    _ attestationKey: Loaded, _ endorsementKey: Loaded, credential: [UInt8], encryptedSecret: [UInt8]
  ) throws(TPMFailure) -> [UInt8] {
    let session = try self.session(.policy)
    try claimEndorsement(in: session)
    var response = try send(
      TPMCommand(
        code: .activateCredential, handles: [attestationKey.handle, endorsementKey.handle],
        authorizations: [.emptyPassword, .session(session)], parameters: credential + encryptedSecret))
    flushed(session)
    return try response.sizedBytes()
  }

  /// TPM_SE.
  enum SessionKind: UInt8 {
    case policy = 0x01
    case trial = 0x03
  }

  func session(_ kind: SessionKind) throws(TPMFailure) -> UInt32 {
    // The nonce serves sessions that sign; this one's commands go in the clear.
    let nonce = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
    let started = try send(
      TPMCommand(
        code: .startAuthSession, handles: [TPMConnection.none, TPMConnection.none],
        parameters: sized(nonce) + [0, 0] + [kind.rawValue] + [0x00, 0x10] + [0x00, 0x0b]))
    return started.handle ?? 0
  }

  private func claimEndorsement(in session: UInt32) throws(TPMFailure) {
    _ = try send(
      TPMCommand(
        code: .policySecret, handles: [TPMConnection.endorsement, session],
        authorizations: [.password(passwords.endorsement)],
        parameters: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
  }

  /// What the maker left of the issuers of its certificates: DER one after the other, over the indices from 0x01c00100 on
  /// (TCG EK Credential Profile §2.2.1.5.2). Of more than four, the first.
  package func endorsementIssuers() throws(TPMFailure) -> [[UInt8]] {
    var bytes: [UInt8] = []
    for index in 0x01c0_0100..<(0x01c0_0108 as UInt32) {
      guard let portion = try read(index: index) else { break }
      bytes += portion
    }
    var rest = bytes[...]
    var issuers: [[UInt8]] = []
    while issuers.count < 4, let size = TPMConnection.sizeOfCertificate(rest), size <= rest.count {
      issuers.append(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    return issuers
  }

  /// Of a DER sequence whose length is in two bytes, as every certificate's; nil for filling.
  private static func sizeOfCertificate(_ bytes: ArraySlice<UInt8>) -> Int? {
    let head = Array(bytes.prefix(4))
    guard head.count == 4, head[0] == 0x30, head[1] == 0x82 else { return nil }
    return 4 + Int(head[2]) << 8 + Int(head[3])
  }

  /// What an NV index holds; nil where there is none.
  package func read(index: UInt32) throws(TPMFailure) -> [UInt8]? {
    guard var described = try? send(TPMCommand(code: .nvReadPublic, handles: [index])) else { return nil }
    _ = try described.number(2)
    _ = try described.number(6)
    let attributes = try described.number(4)
    _ = try described.sizedBytes()
    let size = try described.number(2)
    // TPMA_NV_AUTHREAD, else by its owner.
    let isOpen = attributes & 1 << 18 != 0
    let (reader, password) = isOpen ? (index, []) : (TPMConnection.owner, passwords.owner)
    var content: [UInt8] = []
    while content.count < size {
      let portion = min(512, size - content.count)
      var response = try send(
        TPMCommand(
          code: .nvRead, handles: [reader, index], authorizations: [.password(password)],
          parameters: be(UInt16(portion)) + be(UInt16(content.count))))
      let bytes = try response.sizedBytes()
      guard !bytes.isEmpty else { throw TPMFailure("expected \(size) bytes of the TPM's memory, found fewer") }
      content += bytes
    }
    return content
  }
}

/// A key as it is kept outside: the private part is encrypted by the TPM that made it, and is of use to no other.
public struct TPMKeyBlob: Sendable, Hashable {
  /// TPM2B_PRIVATE.
  public let privatePart: [UInt8]
  /// TPM2B_PUBLIC.
  public let publicArea: [UInt8]

  public init(privatePart: [UInt8], publicArea: [UInt8]) {
    self.privatePart = privatePart
    self.publicArea = publicArea
  }

  /// Reads both, one after the other; nil for anything else.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count >= 2 else { return nil }
    let end = 2 + Int(bytes[0]) << 8 + Int(bytes[1])
    guard bytes.count >= end + 2, bytes.count == end + 2 + Int(bytes[end]) << 8 + Int(bytes[end + 1]) else {
      return nil
    }
    self.init(privatePart: Array(bytes[..<end]), publicArea: Array(bytes[end...]))
  }

  /// The point of a P-256 key, x and y, 64 bytes; nil for another key.
  public var point: [UInt8]? {
    let tail = publicArea.suffix(68)
    guard tail.count == 68 else { return nil }
    let bytes = Array(tail)
    guard bytes[0] == 0, bytes[1] == 32, bytes[34] == 0, bytes[35] == 32 else { return nil }
    return Array(bytes[2..<34] + bytes[36..<68])
  }
}
