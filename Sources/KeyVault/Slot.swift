/// A slot as it lies on disk: the root key, wrapped for one protector.
///
/// `01 ‖ kind (1) ‖ slot number (4) ‖ scrypt log2N, r, p (3; of shares `00`, how many are needed, how many there are; else
/// zero) ‖ salt (32) ‖ wrapped root (40) ‖ root's key check (16) ‖ reference`: 97 bytes and the reference, numbers in network
/// order; kind 1 file, 2 passphrase, 3 recovery code, 4 TPM, 5 PKCS #11, 6 shares. The wrapping key is
/// HKDF-SHA-256(secret, salt, info = label ‖ the bytes before the salt), where the secret is the file's key, scrypt's
/// output, or what a TPM, a token or shares give: so that a header that was changed opens nothing. The reference is a
/// TPM's sealed object; the others have none.
public struct Slot: Sendable, Hashable {
  /// Without the reference.
  public static let size = 97
  /// Of the reference, in bytes.
  public static let referenceLimit = 1024
  static let saltSize = 32
  private static let version: UInt8 = 1

  public let kind: SlotKind
  public let number: UInt32
  /// nil where nothing is stretched.
  public let scrypt: ScryptParameters?
  /// nil but for shares.
  public let quorum: Quorum?
  public let salt: [UInt8]
  let wrapped: [UInt8]
  public let check: KeyCheck
  /// What finds the secret again.
  public let reference: [UInt8]

  init(_ header: Header, wrapped: [UInt8], check: KeyCheck, reference: [UInt8]) {
    (kind, number, scrypt, quorum, salt) = (header.kind, header.number, header.scrypt, header.quorum, header.salt)
    self.wrapped = wrapped
    self.check = check
    self.reference = reference
  }

  /// Reads a slot. Throws `malformedSlot` for another length, version or kind, `parameters` for a cost out of bounds.
  public init(_ bytes: [UInt8]) throws(VaultError) {
    guard (Slot.size...Slot.size + Slot.referenceLimit).contains(bytes.count) else {
      throw .malformedSlot("\(bytes.count) bytes")
    }
    guard bytes[0] == Slot.version else { throw .malformedSlot("version \(bytes[0])") }
    guard let kind = SlotKind(onDisk: bytes[1]) else { throw .malformedSlot("kind \(bytes[1])") }
    guard kind == .tpm || bytes.count == Slot.size else { throw .malformedSlot("\(bytes.count) bytes") }
    let (scrypt, quorum) = try Slot.parameters(Array(bytes[6..<9]), of: kind)
    guard let check = KeyCheck(bytes: bytes[81..<97]) else { throw .malformedSlot("no key check") }
    let header = Header(
      kind: kind, number: KeyVault.number(bytes[2..<6]), scrypt: scrypt, quorum: quorum, salt: Array(bytes[9..<41]))
    self.init(header, wrapped: Array(bytes[41..<81]), check: check, reference: Array(bytes[97...]))
  }

  public var bytes: [UInt8] { header.bound + salt + wrapped + check.bytes + reference }

  public static func randomSalt() -> [UInt8] { randomBytes(saltSize) }

  var header: Header { Header(kind: kind, number: number, scrypt: scrypt, quorum: quorum, salt: salt) }

  private static func parameters(
    _ bytes: [UInt8], of kind: SlotKind
  ) throws(VaultError) -> (ScryptParameters?, Quorum?) {
    switch kind {
    case .passphrase, .recoveryCode: return (try ScryptParameters(log2N: bytes[0], r: bytes[1], p: bytes[2]), nil)
    case .shares: return (nil, try Quorum(bytes))
    case .file, .tpm, .pkcs11:
      guard bytes == [0, 0, 0] else { throw .malformedSlot("a cost of scrypt for a \(kind.rawValue)") }
      return (nil, nil)
    }
  }

  /// What the wrapping key is bound to.
  struct Header {
    let kind: SlotKind
    let number: UInt32
    let scrypt: ScryptParameters?
    let quorum: Quorum?
    let salt: [UInt8]

    init(
      kind: SlotKind, number: UInt32, scrypt: ScryptParameters? = nil, quorum: Quorum? = nil,
      salt: [UInt8] = Slot.randomSalt()
    ) {
      self.kind = kind
      self.number = number
      self.scrypt = scrypt
      self.quorum = quorum
      self.salt = salt
    }

    var bound: [UInt8] {
      [Slot.version, kind.onDisk] + bigEndian(number) + (scrypt?.bytes ?? quorum?.bytes ?? [0, 0, 0])
    }
  }
}

extension SlotKind {
  fileprivate var onDisk: UInt8 {
    switch self {
    case .file: 1
    case .passphrase: 2
    case .recoveryCode: 3
    case .tpm: 4
    case .pkcs11: 5
    case .shares: 6
    }
  }

  fileprivate init?(onDisk byte: UInt8) {
    guard let kind = SlotKind.allCases.first(where: { $0.onDisk == byte }) else { return nil }
    self = kind
  }
}
