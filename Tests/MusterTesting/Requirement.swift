/// One thing that must hold of every implementation of a seam. A suite is an array of them, and a test that takes them as
/// arguments and makes a `Subject` for each runs it: a new backend is one such test.
package struct Requirement<Subject>: Sendable, CustomStringConvertible {
  /// A sentence.
  package let description: String
  /// Throws `Unmet` where it does not hold.
  package let check: @Sendable (Subject) async throws -> Void

  package init(_ description: String, _ check: @escaping @Sendable (Subject) async throws -> Void) {
    self.description = description
    self.check = check
  }
}

/// What must hold, and does not.
package struct Unmet: Error, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

package func require(_ holds: Bool, _ expected: @autoclosure () -> String) throws(Unmet) {
  guard holds else { throw Unmet(description: "expected \(expected())") }
}

package func require<Value: Equatable>(
  _ found: Value, is expected: Value, _ what: @autoclosure () -> String
) throws(Unmet) {
  guard found == expected else { throw Unmet(description: "\(what()): expected \(expected), found \(found)") }
}

package func required<Value>(_ value: Value?, _ expected: @autoclosure () -> String) throws(Unmet) -> Value {
  guard let value else { throw Unmet(description: "expected \(expected()), found none") }
  return value
}
