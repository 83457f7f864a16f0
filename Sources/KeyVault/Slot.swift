/// A slot as it lies on disk: the root key, wrapped for one protector.
///
/// `01 ‖ kind (1) ‖ slot number (4) ‖ scrypt log2N, r, p (3; zero for a file) ‖ salt (32) ‖ wrapped root (40) ‖
/// root's key check (16)`: 97 bytes, numbers in network order; kind 1 file, 2 passphrase, 3 recovery code. The wrapping
/// key is HKDF-SHA-256(secret, salt, info = label ‖ the bytes before the salt), where the secret is the file's key or
/// scrypt's output: so that a header that was changed opens nothing.
public struct Slot: Sendable, Hashable {
  public static let size = 97
  static let saltSize = 32
  private static let version: UInt8 = 1

  public let kind: SlotKind
  public let number: UInt32
  /// nil for a file.
  public let scrypt: ScryptParameters?
  let salt: [UInt8]
  let wrapped: [UInt8]
  public let check: KeyCheck

  init(_ header: Header, wrapped: [UInt8], check: KeyCheck) {
    (kind, number, scrypt, salt) = (header.kind, header.number, header.scrypt, header.salt)
    self.wrapped = wrapped
    self.check = check
  }

  /// Reads a slot. Throws `malformedSlot` for another length, version or kind, `parameters` for a cost out of bounds.
  public init(_ bytes: [UInt8]) throws(VaultError) {
    guard bytes.count == Slot.size else { throw .malformedSlot("\(bytes.count) bytes") }
    guard bytes[0] == Slot.version else { throw .malformedSlot("version \(bytes[0])") }
    guard let kind = SlotKind(onDisk: bytes[1]) else { throw .malformedSlot("kind \(bytes[1])") }
    let cost = try Slot.cost(bytes[6..<9], of: kind)
    guard let check = KeyCheck(bytes: bytes[81...]) else { throw .malformedSlot("no key check") }
    let header = Header(
      kind: kind, number: KeyVault.number(bytes[2..<6]), scrypt: cost, salt: Array(bytes[9..<41]))
    self.init(header, wrapped: Array(bytes[41..<81]), check: check)
  }

  public var bytes: [UInt8] { header.bound + salt + wrapped + check.bytes }

  var header: Header { Header(kind: kind, number: number, scrypt: scrypt, salt: salt) }

  private static func cost(
    _ bytes: ArraySlice<UInt8>, of kind: SlotKind
  ) throws(VaultError) -> ScryptParameters? {
    let cost = Array(bytes)
    switch kind {
    case .passphrase, .recoveryCode: return try ScryptParameters(log2N: cost[0], r: cost[1], p: cost[2])
    case .file:
      guard cost == [0, 0, 0] else { throw .malformedSlot("a cost of scrypt for a file") }
      return nil
    }
  }

  /// What the wrapping key is bound to.
  struct Header {
    let kind: SlotKind
    let number: UInt32
    let scrypt: ScryptParameters?
    let salt: [UInt8]

    init(kind: SlotKind, number: UInt32, scrypt: ScryptParameters?, salt: [UInt8] = randomBytes(Slot.saltSize)) {
      self.kind = kind
      self.number = number
      self.scrypt = scrypt
      self.salt = salt
    }

    var bound: [UInt8] { [Slot.version, kind.onDisk] + bigEndian(number) + (scrypt?.bytes ?? [0, 0, 0]) }
  }
}

extension SlotKind {
  fileprivate var onDisk: UInt8 {
    switch self {
    case .file: 1
    case .passphrase: 2
    case .recoveryCode: 3
    }
  }

  fileprivate init?(onDisk byte: UInt8) {
    guard let kind = SlotKind.allCases.first(where: { $0.onDisk == byte }) else { return nil }
    self = kind
  }
}
