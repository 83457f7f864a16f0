import Foundation
public import HTTPTypes
import MusterModel

/// What a caller is told when a request is refused: problem details (RFC 9457), or on EST routes the same in words
/// (RFC 7030 §4.2.3). `code` is stable, in kebab-case; `detail` says what was expected and what was found.
public struct Problem: Error, Sendable, Hashable {
  public let status: HTTPResponse.Status
  public let code: String
  public let title: String
  public let detail: String?
  /// `WWW-Authenticate`, `Retry-After`, `Allow`.
  public var headers: HTTPFields
  /// Whether the refusal has no event of its own, so that it is to be counted.
  var isStrangers = false

  public init(
    _ status: HTTPResponse.Status, _ code: String, title: String? = nil, detail: String? = nil,
    headers: HTTPFields = [:]
  ) {
    self.status = status
    self.code = code
    self.title = title ?? code.replacing("-", with: " ")
    self.detail = detail
    self.headers = headers
  }

  func adding(_ name: HTTPField.Name, _ value: String) -> Problem {
    var problem = self
    problem.headers[name] = value
    return problem
  }
}

extension Problem {
  func counted() -> Problem {
    var problem = self
    problem.isStrangers = true
    return problem
  }

  static func badRequest(_ code: String, _ detail: String) -> Problem { Problem(.badRequest, code, detail: detail) }

  static let notFound = Problem(.notFound, "not-found", detail: "nothing is here")

  static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> Problem {
    let list = allowed.map(\.rawValue).joined(separator: ", ")
    return Problem(.methodNotAllowed, "method-not-allowed", detail: "expected \(list)").adding(.allow, list)
  }

  static func tooLarge(limit: Int) -> Problem {
    Problem(.contentTooLarge, "body-too-large", detail: "expected a body of at most \(limit) bytes")
  }

  /// Too much is in hand, in all or of one network.
  static let busy = Problem(
    .serviceUnavailable, "service-busy", detail: "expected fewer requests at once, found as many as are taken",
    headers: [.retryAfter: "1"])

  /// What the store cannot take now: nothing was changed.
  init(_ outage: StoreOutage) {
    self.init(.serviceUnavailable, outage.code, detail: outage.description)
    headers[.retryAfter] = outage == .overloaded ? "1" : "30"
  }

  /// What was not foreseen: the caller gets an ID to ask by, and the log has the rest.
  static let internalError = Problem(.internalServerError, "internal-error")
}

/// The JSON of RFC 9457 §3.
struct ProblemDocument: Encodable {
  let title: String
  let status: Int
  let code: String
  let detail: String?
  let instance: String

  init(_ problem: Problem, instance: RequestID) {
    title = problem.title
    status = problem.status.code
    code = problem.code
    detail = problem.detail
    self.instance = instance.text
  }
}
