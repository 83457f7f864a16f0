/// A policy file that cannot be used: which, where, and what is wrong. An operator must act.
public struct PolicyError: Error, Sendable, Hashable, CustomStringConvertible {
  public let file: String
  /// From 1; nil where it concerns the file as a whole.
  public let line: Int?
  /// What was expected and what was found.
  public let problem: String

  init(file: String, line: Int?, _ problem: String) {
    self.file = file
    self.line = line
    self.problem = problem
  }

  public var description: String { line.map { "\(file):\($0): \(problem)" } ?? "\(file): \(problem)" }
}
