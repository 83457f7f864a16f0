/// What an operator may be. Which role may do what is said in `Policies/access.yaml`.
public enum Role: String, Sendable, Codable, CaseIterable {
  case administrator
  case securityOfficer = "security-officer"
  case fieldEngineer = "field-engineer"
  case factoryLine = "factory-line"
  case hub
  case auditor
  /// A program that uses keys; what it may do is the operator's to list.
  case application
  /// Reads what a monitoring system scrapes, and nothing else.
  case monitoring
}
