public import MusterModel

/// Public keys that must not be certified: published test keys, and the keys of this CA itself.
public struct BlockedKeys: Sendable {
  private let digests: Set<Digest>

  public static let none = BlockedKeys(digests: [])
  public static let sizeLimit = 1 << 20

  /// Each digest is the SHA-256 of a SubjectPublicKeyInfo.
  public init(digests: some Sequence<Digest>) { self.digests = Set(digests) }

  /// Reads `PKI/blocked-keys.txt`: one SHA-256 in hex per line; what follows `#` is a comment. Anything else is an
  /// error that names the line, so that a key is never let through by a slip of the pen.
  public init(text: String) throws(BlockedKeysError) {
    guard text.utf8.count <= Self.sizeLimit else { throw .tooLarge(text.utf8.count) }
    var digests: Set<Digest> = []
    for (index, line) in text.textLines.enumerated() {
      let word = line.prefix { $0 != "#" }.filter { $0 != " " && $0 != "\t" }
      guard !word.isEmpty else { continue }
      guard let digest = Digest(hex: word) else { throw .line(index + 1, found: printable(word)) }
      digests.insert(digest)
    }
    self.init(digests: digests)
  }

  /// The same and these, each the SHA-256 of a SubjectPublicKeyInfo.
  public func adding(_ more: some Sequence<Digest>) -> BlockedKeys { BlockedKeys(digests: digests.union(more)) }

  public func contains(_ digest: Digest) -> Bool { digests.contains(digest) }
  public var count: Int { digests.count }
}

public enum BlockedKeysError: Error, CustomStringConvertible, Sendable {
  case tooLarge(Int)
  case line(Int, found: String)

  public var description: String {
    switch self {
    case .tooLarge(let count):
      "blocked-keys.txt: expected at most \(BlockedKeys.sizeLimit) bytes, found \(count)"
    case .line(let line, let found):
      "blocked-keys.txt:\(line): expected a SHA-256 in 64 hexadecimal digits, found \(found)"
    }
  }
}
