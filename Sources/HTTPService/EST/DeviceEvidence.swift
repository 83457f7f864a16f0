import Enrollment
import HTTPTypes
import KeyVault
import MusterModel

/// By what a device shows who it is: a ticket in HTTP Basic, a token of its group, or the chain that it presented.
/// Exactly one.
struct DeviceEvidence: Sendable {
  let strangers: StrangerLimits

  func read(_ request: RoutedRequest) throws(Problem) -> EnrollmentRequest.Evidence {
    let fields = request.headers[values: .authorization]
    guard fields.count <= 1 else {
      throw Problem.badRequest("credentials-malformed", "expected one Authorization field").counted()
    }
    guard let field = fields.first else { return try certificate(request) }
    try strangers.checkAttempts(request.peer.source, at: request.at)
    let credentials: BasicCredentials
    do throws(Problem) {
      guard let read = try BasicCredentials.read(field) else { return try certificate(request) }
      credentials = read
    } catch {
      throw wrong(error, request)
    }
    return .ticket(credentials.deviceID, try code(credentials.code, request))
  }

  /// A ticket's code; refuses what cannot be one as a wrong one, so that nothing is learned from it.
  func code(_ code: SecretBytes, _ request: RoutedRequest) throws(Problem) -> TicketCode {
    guard request.peer.chain.isEmpty else {
      throw Problem.evidenceAmbiguous
    }
    guard let code = TicketCode(code) else {
      throw wrong(
        Problem(
          .unauthorized, "ticket-wrong",
          detail: "expected the device ID and the code of one ticket, found another code or device ID"
        ).adding(.wwwAuthenticate, BasicCredentials.challenge), request)
    }
    return code
  }

  /// What cannot be a token is refused as a wrong one.
  func token(_ text: String, _ request: RoutedRequest) throws(Problem) -> EnrollmentRequest.Evidence {
    guard request.peer.chain.isEmpty else { throw Problem.evidenceAmbiguous }
    guard let token = EnrollmentToken(text) else {
      throw wrong(
        Problem(
          .unauthorized, "token-wrong", detail: "expected a token by a key derived from its group's, found another"),
        request)
    }
    return .groupKey(token)
  }

  func certificate(_ request: RoutedRequest) throws(Problem) -> EnrollmentRequest.Evidence {
    guard !request.peer.chain.isEmpty else {
      throw Problem(
        .unauthorized, "not-authenticated",
        detail: "expected a ticket in HTTP Basic, or a client certificate; found neither"
      ).adding(.wwwAuthenticate, BasicCredentials.challenge).counted()
    }
    return .certificate(request.peer.chain)
  }

  /// What a use case came to. A wrong code counts against its source.
  func settle<Value>(_ outcome: Outcome<Value>, of request: RoutedRequest) throws(Problem) -> Value {
    switch outcome {
    case .done(let value): return value
    case .refused(let refusal):
      let problem = Problem(refusal)
      switch refusal.code {
      case "ticket-wrong": throw wrong(problem.adding(.wwwAuthenticate, BasicCredentials.challenge), request)
      case "token-wrong": throw wrong(problem, request)
      default: throw problem
      }
    }
  }

  /// What cannot be a token of a device for this instance.
  func wrongToken(_ request: RoutedRequest) -> Problem {
    wrong(
      Problem(
        .unauthorized, "token-wrong",
        detail: "expected a token for this instance by a key that the device has in use, found another"), request)
  }

  private func wrong(_ problem: Problem, _ request: RoutedRequest) -> Problem {
    strangers.attemptFailed(request.peer.source, at: request.at)
    return problem.counted()
  }
}

extension Problem {
  static let evidenceAmbiguous = Problem.badRequest(
    "evidence-ambiguous", "expected one evidence, found HTTP Basic and a client certificate"
  ).counted()
}
