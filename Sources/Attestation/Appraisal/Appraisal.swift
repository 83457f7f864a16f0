/// What was looked at, in order, and what was found: accepted only where nothing was refused and something was shown.
public struct Appraisal: Sendable, Hashable {
  public enum Outcome: Sendable, Hashable {
    case holds(String)
    /// A stable code, and what was expected and found.
    case refused(code: String, String)
    case notShown
  }

  public struct Check: Sendable, Hashable {
    public let subject: String
    public let outcome: Outcome
  }

  public private(set) var checks: [Check] = []

  public init() {}

  public var isAccepted: Bool {
    let isRefused = checks.contains { if case .refused = $0.outcome { true } else { false } }
    let isShown = checks.contains { if case .holds = $0.outcome { true } else { false } }
    return isShown && !isRefused
  }

  public mutating func add(_ subject: String, _ outcome: Outcome) {
    checks.append(Check(subject: subject, outcome: outcome))
  }

  public mutating func add(_ other: Appraisal) { checks += other.checks }

  mutating func require(_ condition: Bool, _ subject: String, _ found: String, else code: String, _ text: String) {
    add(subject, condition ? .holds(found) : .refused(code: code, text))
  }

  /// What `read` gives; nil, and the refusal noted, where the bytes are not what they should be.
  mutating func read<Value>(_ subject: String, _ read: () throws(MalformedTPM) -> Value) -> Value? {
    do {
      return try read()
    } catch {
      add(subject, .refused(code: "evidence-unreadable", "expected \(error.expected), found \(error.found)"))
      return nil
    }
  }
}
