/// What an operator may be. Which role may do what is said in `Policies/access.yaml`.
public enum Role: String, Sendable, Codable, CaseIterable {
  case administrator
  case securityOfficer = "security-officer"
  case fieldEngineer = "field-engineer"
  case factoryLine = "factory-line"
  case hub
  case auditor
  /// Reads what a monitoring system scrapes, and nothing else.
  case monitoring
}
