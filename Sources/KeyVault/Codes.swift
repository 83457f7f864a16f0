import Crypto
public import MusterModel

/// The code that opens the vault and the root CA's key when all else is lost: 160 random bits as 32 characters of
/// Crockford's base 32 and four check characters, in nine groups of four. The check characters are the first twenty
/// bits of SHA-256("muster/recovery-code/v1" ‖ the 20 bytes), so that a slip of the pen is told from a wrong code.
public struct RecoveryCode: Sendable, CustomStringConvertible, CustomReflectable {
  public enum Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    case length(Int)
    case character
    case check

    public var code: String { "recovery-code-malformed" }

    public var description: String {
      switch self {
      case .length(let found): "expected a recovery code of \(RecoveryCode.length) characters, found \(found)"
      case .character: "expected letters and digits of a recovery code, found another character"
      case .check: "expected a recovery code whose last four characters fit the rest, found a slip: read it again"
      }
    }
  }

  static let length = 36
  let bits: SecretBytes

  public static func random() -> RecoveryCode { RecoveryCode(bits: SecretBytes.random(count: 20)) }

  /// Reads a code in either case, hyphens and blanks where one likes, `O` as `0`, `I` and `L` as `1`.
  public static func parse(_ text: SecretBytes) -> Result<RecoveryCode, Refusal> {
    let characters = Characters(text, without: "- \r\n")
    guard characters.count == length else { return .failure(.length(characters.count)) }
    guard let bits = characters.decode(0..<32), let check = characters.decodeHalf(32..<36) else {
      return .failure(.character)
    }
    let code = RecoveryCode(bits: bits)
    return check.isEqual(to: code.check) ? .success(code) : .failure(.check)
  }

  /// `XXXX-XXXX-…` in UTF-8, to be shown once.
  public var text: SecretBytes { Characters.encode(bits, check: check) }

  /// Twenty bits at the front of five bytes.
  private var check: SecretBytes {
    var hash = SHA256()
    hash.update(data: Array("muster/recovery-code/v1".utf8))
    bits.withUnsafeBytes { hash.update(bufferPointer: $0) }
    let digest = Array(hash.finalize())
    return SecretBytes(copying: [digest[0], digest[1], digest[2] & 0xf0, 0, 0])
  }

  public var description: String { "RecoveryCode" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The code of a ticket: 80 random bits as `XXXX-XXXX-XXXX-XXXX` in Crockford's base 32.
public struct TicketCode: Sendable, CustomStringConvertible, CustomReflectable {
  static let length = 16
  let bits: SecretBytes

  public static func random() -> TicketCode { TicketCode(bits: SecretBytes.random(count: 10)) }

  private init(bits: SecretBytes) { self.bits = bits }

  /// Of 80 bits that nobody can guess; nil unless there are so many.
  public init?(secret bits: SecretBytes) {
    guard bits.count == 10 else { return nil }
    self.bits = bits
  }

  /// Reads a code without regard to case and hyphens; nil for anything else.
  public init?(_ text: SecretBytes) {
    guard text.count <= 64 else { return nil }
    let characters = Characters(text, without: "-")
    guard characters.count == TicketCode.length, let bits = characters.decode(0..<16) else { return nil }
    self.bits = bits
  }

  public init?(_ text: some StringProtocol) { self.init(SecretBytes(copying: text.utf8)) }

  /// In UTF-8, to be shown once.
  public var text: SecretBytes { Characters.encode(bits, check: nil) }

  public var description: String { "TicketCode" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The characters of a code. They are read in place and written eight at a time, five bytes: a string that short lies on
/// the stack, and no copy of the whole stays behind on the heap.
struct Characters {
  private let bytes: SecretBytes
  var count: Int { bytes.count }

  /// At most 256 characters are looked at.
  init(_ text: SecretBytes, without passed: StaticString) {
    let passed = UnsafeBufferPointer(start: passed.utf8Start, count: passed.utf8CodeUnitCount)
    bytes = text.withUnsafeBytes { text in
      let text = text.prefix(256)
      return SecretBytes(count: text.count { !passed.contains($0) }) { kept in
        var next = 0
        for byte in text where !passed.contains(byte) {
          kept[next] = byte
          next += 1
        }
      }
    }
  }

  /// nil for a character that is not Crockford's. The range holds whole eights.
  func decode(_ range: Range<Int>) -> SecretBytes? {
    var isSound = true
    let decoded = bytes.withUnsafeBytes { text in
      SecretBytes(count: range.count / 8 * 5) { out in
        var (bits, held, next): (UInt16, Int, Int) = (0, 0, 0)
        for character in text[range] {
          guard let value = Crockford.value(of: character) else {
            isSound = false
            return
          }
          bits = bits << 5 | UInt16(value)
          held += 5
          guard held >= 8 else { continue }
          held -= 8
          out[next] = UInt8(truncatingIfNeeded: bits >> held)
          next += 1
        }
      }
    }
    return isSound ? decoded : nil
  }

  /// Four characters as the twenty bits at the front of five bytes.
  func decodeHalf(_ range: Range<Int>) -> SecretBytes? { eight(range, padding: "0000").map(SecretBytes.init(copying:)) }

  private func eight(_ range: Range<Int>, padding: String) -> [UInt8]? {
    bytes.withUnsafeBytes { Crockford.decode(String(decoding: $0[range], as: UTF8.self) + padding, count: 5) }
  }

  static func encode(_ bits: SecretBytes, check: SecretBytes?) -> SecretBytes {
    let count = bits.count / 5 * 10 + (check == nil ? 0 : 5) - 1
    return SecretBytes(count: count) { out in
      var next = 0
      func put(_ characters: some Collection<UInt8>) {
        if next > 0 {
          out[next] = UInt8(ascii: "-")
          next += 1
        }
        for character in characters {
          out[next] = character
          next += 1
        }
      }
      func put(_ five: UnsafeRawBufferPointer, halves: Int) {
        let eight = Crockford.encode(five).utf8
        put(eight.prefix(4))
        if halves == 2 { put(eight.suffix(4)) }
      }
      bits.withUnsafeBytes { bytes in
        for offset in stride(from: 0, to: bytes.count, by: 5) {
          put(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + 5]), halves: 2)
        }
      }
      check?.withUnsafeBytes { put($0, halves: 1) }
    }
  }
}
