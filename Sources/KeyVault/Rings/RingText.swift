import Foundation
public import MusterModel

/// What a ring gave, as text: `muster-ciphertext:1:<ring>:<version>:<base64url>`, and the same with `mac` and `signature`.
/// The ring is its record ID: it keeps its meaning when a name is given again.
public struct RingText: Sendable, Hashable, CustomStringConvertible {
  public enum Kind: String, Sendable, CaseIterable { case ciphertext, mac, signature }

  /// The longest that is read, in bytes.
  public static let sizeLimit = 96 * 1024
  private static let form = "1"

  public let kind: Kind
  public let ring: RecordID
  public let version: UInt32
  public let bytes: [UInt8]

  init(_ kind: Kind, ring: RecordID, version: UInt32, _ bytes: [UInt8]) {
    self.kind = kind
    self.ring = ring
    self.version = version
    self.bytes = bytes
  }

  /// Reads what `description` writes; nil for anything else.
  public init?(_ text: String, as kind: Kind) {
    guard text.utf8.count <= RingText.sizeLimit else { return nil }
    let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard fields.count == 5, fields[0] == "muster-\(kind.rawValue)", fields[1] == RingText.form,
      let ring = RecordID(fields[2]), ring.kind == .key, let version = RingText.version(fields[3]),
      let bytes = Base64URL.decode(String(fields[4]))
    else { return nil }
    self.init(kind, ring: ring, version: version, bytes)
  }

  /// Decimal digits without a zero in front.
  private static func version(_ text: Substring) -> UInt32? {
    guard (1...10).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text.first != "0"
    else { return nil }
    return UInt32(text)
  }

  public var description: String {
    "muster-\(kind.rawValue):\(RingText.form):\(ring):\(version):\(Base64URL.encode(bytes))"
  }
}

/// What a use is bound to: the same is to be said again to undo or to verify it. Never secret.
public struct RingContext: Sendable, Hashable {
  /// In bytes of UTF-8.
  public static let sizeLimit = 1024
  public static let rule = "a context of at most \(sizeLimit) bytes"

  public let text: String
  public static let none = RingContext(checked: "")

  /// nil where it is too long.
  public init?(_ text: String) {
    guard text.utf8.count <= RingContext.sizeLimit else { return nil }
    self.text = text
  }

  private init(checked text: String) { self.text = text }

  public var isEmpty: Bool { text.isEmpty }
}
