import Crypto
public import MusterModel

/// One of the shares that open a slot together: `3-2-XXXX-XXXX-…`, the slot's number and the share's, then its 32 bytes and
/// three check bytes as 56 characters of Crockford's base 32, in fourteen groups. The check bytes are the first of
/// SHA-256("muster/vault-share/v1" ‖ slot (4) ‖ share (1) ‖ the 32 bytes), so that a slip of the pen is told from another
/// share.
public struct VaultShare: Sendable, CustomStringConvertible, CustomReflectable {
  public enum Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    case numbers
    case length(Int)
    case character
    case check

    public var code: String { "vault-share-malformed" }

    public var description: String {
      switch self {
      case .numbers:
        "expected a share that begins with its slot's number and its own, as in 3-2-, found another beginning"
      case .length(let found): "expected a share of \(VaultShare.length) characters after its numbers, found \(found)"
      case .character: "expected letters and digits of a share, found another character"
      case .check: "expected a share whose last characters fit the rest, found a slip: read it again"
      }
    }
  }

  static let size = 32
  static let length = 56
  private static let checkSize = 3

  public let slot: UInt32
  /// From 1.
  public let number: UInt8
  let value: SecretBytes

  init(slot: UInt32, number: UInt8, value: SecretBytes) {
    (self.slot, self.number, self.value) = (slot, number, value)
  }

  /// Reads a share in either case, hyphens and blanks where one likes, `O` as `0`, `I` and `L` as `1`.
  public static func parse(_ text: SecretBytes) -> Result<VaultShare, Refusal> {
    guard let (slot, number, rest) = numbers(text) else { return .failure(.numbers) }
    let characters = Characters(rest, without: "- \t\r\n")
    guard characters.count == length else { return .failure(.length(characters.count)) }
    guard let bytes = characters.decode(0..<length) else { return .failure(.character) }
    let value = bytes.withUnsafeBytes { SecretBytes(copying: $0.prefix(size)) }
    let share = VaultShare(slot: slot, number: number, value: value)
    return share.withCheck.isEqual(to: bytes) ? .success(share) : .failure(.check)
  }

  /// In UTF-8, without a line's end.
  public var text: SecretBytes {
    let front = Array("\(slot)-\(number)-".utf8)
    return Characters.encode(withCheck, check: nil).withUnsafeBytes { rest in
      SecretBytes(count: front.count + rest.count) { text in
        text.copyBytes(from: front)
        UnsafeMutableRawBufferPointer(rebasing: text[front.count...]).copyMemory(from: rest)
      }
    }
  }

  private var withCheck: SecretBytes {
    var hash = SHA256()
    hash.update(data: Array("muster/vault-share/v1".utf8) + bigEndian(slot) + [number])
    return value.withUnsafeBytes { value in
      hash.update(bufferPointer: value)
      let check = hash.finalize().prefix(VaultShare.checkSize)
      return SecretBytes(count: value.count + VaultShare.checkSize) { bytes in
        bytes.copyMemory(from: value)
        for (index, byte) in check.enumerated() { bytes[value.count + index] = byte }
      }
    }
  }

  private static func numbers(_ text: SecretBytes) -> (slot: UInt32, number: UInt8, rest: SecretBytes)? {
    func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    return text.withUnsafeBytes { text in
      let fields = text.drop(while: isBlank).split(
        maxSplits: 2, omittingEmptySubsequences: false, whereSeparator: { isBlank($0) || $0 == UInt8(ascii: "-") })
      guard fields.count == 3, let slot = UInt32(exactly: decimal(fields[0])), slot > 0,
        let number = UInt8(exactly: decimal(fields[1])), Int(number) <= Quorum.counts.upperBound, number > 0
      else { return nil }
      return (slot, number, SecretBytes(copying: fields[2].prefix(256)))
    }
  }

  /// 0 for what is no number, or begins with a zero.
  private static func decimal(_ field: some Collection<UInt8>) -> UInt64 {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard (1...10).contains(field.count), field.first != digits.lowerBound, field.allSatisfy(digits.contains) else {
      return 0
    }
    return field.reduce(0) { $0 * 10 + UInt64($1 - digits.lowerBound) }
  }

  public var description: String { "VaultShare \(slot)-\(number)" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
