import MusterModel

/// What the ledger's room throws: text that is not in its form, and stored hashes that cannot be a tree's.
public enum LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// `what` was read and is not in its one form.
  case malformed(what: String, expected: String, found: String)
  /// A size or position beyond the tree.
  case outOfRange(what: String, expected: String, found: String)
  /// A stored tile or range of leaves does not hold as many hashes as it must.
  case hashesMissing(what: String, expected: Int, found: Int)
  /// An event of a kind that this build does not know.
  case unknownKind(String)

  public var description: String {
    switch self {
    case .malformed(let what, let expected, let found): "expected \(expected) as \(what), found \(found)"
    case .outOfRange(let what, let expected, let found): "expected a \(what) \(expected), found \(found)"
    case .hashesMissing(let what, let expected, let found): "expected \(expected) hashes in \(what), found \(found)"
    case .unknownKind(let kind): "expected an event of a known kind, found \(excerpt(kind))"
    }
  }
}

/// What is said of a file that is of another kind altogether: never what it holds, for it may be a secret that was named by
/// mistake.
func another(_ text: some StringProtocol) -> String { "\(text.utf8.count) bytes of another kind" }

/// What stands between separators, empty pieces included; by scalars, so that no combining mark hides a separator.
func pieces(of text: some StringProtocol, at separator: Unicode.Scalar) -> [String] {
  String(text).unicodeScalars.split(separator: separator, omittingEmptySubsequences: false).map {
    String(Substring($0))
  }
}
