import MusterModel

/// A profile that does not load: which file, which line, what was expected.
public struct ProfileError: Error, Hashable, Sendable, CustomStringConvertible {
  public let file: String
  /// From 1.
  public let line: Int
  public let expected: String
  public let found: String

  public var description: String { "\(printable(file)):\(line): expected \(expected), found \(printable(found))" }
}
