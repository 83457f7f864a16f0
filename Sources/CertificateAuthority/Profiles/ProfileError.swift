import MusterModel

/// A profile that does not load: which file, which line, what was expected.
public struct ProfileError: Error, Hashable, Sendable, CustomStringConvertible {
  public let file: String
  /// From 1.
  public let line: Int
  public let expected: String
  public let found: String

  /// Short, whatever the file and its name hold: each scalar of theirs may take ten bytes.
  public var description: String {
    "\(printable(file, upTo: 32)):\(line): expected \(expected), found \(printable(found, upTo: 48))"
  }
}
