public import TPMCommands

/// A device's TPM: what is asked of it, each time over a connection that leaves nothing behind. Calls block.
public struct TPMDeviceKeys: Sendable {
  public let place: TPMPlace
  private let passwords: TPMHierarchyPasswords
  private let contexts = TPMContexts()

  public init(_ place: TPMPlace, _ passwords: TPMHierarchyPasswords = TPMHierarchyPasswords()) {
    self.place = place
    self.passwords = passwords
  }

  /// What a TPM shows of itself before it is challenged: TPM2B_PUBLICs, and its maker's certificate where it has one.
  public struct Evidence: Sendable {
    public let kind: EndorsementKind
    public let ekPublic: [UInt8]
    public let akPublic: [UInt8]
    public let keyPublic: [UInt8]
    /// As it lies in the TPM's memory: filling may stand behind it.
    public let ekCertificate: [UInt8]?
    /// Its issuers', where the maker left them in the TPM too.
    public let ekIssuers: [[UInt8]]
  }

  /// What it answers: the secret, TPMS_ATTEST and TPMT_SIGNATURE.
  public struct Answer: Sendable {
    public let secret: [UInt8]
    public let certifyInfo: [UInt8]
    public let certifySignature: [UInt8]
    /// Where one was asked for.
    public let quote: Quote?
  }

  /// TPMS_ATTEST and TPMT_SIGNATURE of a quote, and the registers' values one after the other.
  public struct Quote: Sendable {
    public let info: [UInt8]
    public let signature: [UInt8]
    public let pcrValues: [UInt8]
  }

  /// Makes a device key in the TPM, which it cannot leave.
  public func makeKey() throws(TPMFailure) -> TPMKeyBlob {
    try TPMConnection.with(place, passwords) { (tpm) throws(TPMFailure) in
      try tpm.makeDeviceKey(under: try tpm.storageKey())
    }
  }

  /// The endorsement key is the one that its maker certified; where it certified none, that of `kind`, or P-256.
  public func evidence(of key: TPMKeyBlob, _ kind: EndorsementKind? = nil) throws(TPMFailure) -> Evidence {
    try TPMConnection.with(place, passwords) { (tpm) throws(TPMFailure) in
      var certificates: [EndorsementKind: [UInt8]] = [:]
      for kind in EndorsementKind.allCases { certificates[kind] = try tpm.read(index: kind.certificateIndex) }
      let chosen = kind ?? EndorsementKind.allCases.first { certificates[$0] != nil } ?? .ecc
      return Evidence(
        kind: chosen, ekPublic: try tpm.endorsementKey(chosen).publicArea,
        akPublic: try tpm.attestationKey().publicArea, keyPublic: key.publicArea, ekCertificate: certificates[chosen],
        ekIssuers: certificates[chosen] == nil ? [] : try tpm.endorsementIssuers())
    }
  }

  /// Opens the credential and certifies the key over the nonce; quotes registers of the SHA-256 bank over it too, where some
  /// are named.
  public func answer(
    _ kind: EndorsementKind, _ key: TPMKeyBlob, credential: [UInt8], encryptedSecret: [UInt8], nonce: [UInt8],
    quoting registers: [Int] = []
  ) throws(TPMFailure) -> Answer {
    let secret = try TPMConnection.with(place, passwords) { (tpm) throws(TPMFailure) in
      try tpm.activate(
        try tpm.attestationKey(), try tpm.endorsementKey(kind), credential: credential,
        encryptedSecret: encryptedSecret)
    }
    // A connection of its own: many TPMs hold three keys at once and no more.
    let (info, signature) = try TPMConnection.with(place, passwords) { (tpm) throws(TPMFailure) in
      let loaded = try tpm.load(key, under: try tpm.storageKey())
      return try tpm.certify(loaded, by: try tpm.attestationKey(), nonce: nonce)
    }
    return Answer(
      secret: secret, certifyInfo: info, certifySignature: signature,
      quote: registers.isEmpty ? nil : try quote(registers.sorted(), nonce: nonce))
  }

  private func quote(_ registers: [Int], nonce: [UInt8]) throws(TPMFailure) -> Quote {
    try TPMConnection.with(place, passwords) { (tpm) throws(TPMFailure) in
      var values: [UInt8] = []
      for register in registers { values += try tpm.value(ofRegister: register) }
      let (info, signature) = try tpm.quote(registers, by: try tpm.attestationKey(), nonce: nonce)
      return Quote(info: info, signature: signature, pcrValues: values)
    }
  }

  /// ECDSA over a SHA-256 digest: r and s, each of 32 bytes.
  public func sign(_ digest: [UInt8], with key: TPMKeyBlob) throws(TPMFailure) -> [UInt8] {
    try TPMConnection.with(place, passwords) { (tpm) throws(TPMFailure) in
      try tpm.sign(digest, with: try tpm.load(key, keptIn: contexts))
    }
  }
}
