import Enrollment
import HTTPTypes
import MusterModel

extension Problem {
  /// A use case's refusal as HTTP tells it: the one table of statuses.
  init(_ refusal: Refusal) {
    self.init(refusal.kind.status, refusal.code, detail: refusal.reason)
    isStrangers = refusal.isToBeCounted
    switch refusal.kind {
    // RFC 9110 §15.5.2 asks for a challenge; there is no registered scheme for certificates.
    case .unauthenticated: headers[.wwwAuthenticate] = "Certificate"
    case .unavailable: headers[.retryAfter] = "5"
    case .tooMany: headers[.retryAfter] = "60"
    case .invalid, .forbidden, .notFound, .conflict, .preconditionFailed: break
    }
  }
}

extension Refusal.Kind {
  var status: HTTPResponse.Status {
    switch self {
    case .invalid: .badRequest
    case .unauthenticated: .unauthorized
    case .forbidden: .forbidden
    case .notFound: .notFound
    case .conflict: .conflict
    case .preconditionFailed: .preconditionFailed
    case .unavailable: .serviceUnavailable
    case .tooMany: .tooManyRequests
    }
  }
}

extension Outcome {
  /// The value, or its refusal as a problem.
  func answered() throws(Problem) -> Value {
    switch self {
    case .done(let value): return value
    case .refused(let refusal): throw Problem(refusal)
    }
  }
}

extension Refusal {
  /// What could not be done now is nobody's fault; all else is an event or is counted.
  var isToBeCounted: Bool { !isRecorded && kind != .unavailable }
}

extension Problem {
  /// The CA's key is out of reach: nothing was issued.
  init(_ failure: KeyKeeperFailure) {
    self = Problem(Refusal.keyOutOfReach(failure)).adding(.retryAfter, failure.reason == .busy ? "1" : "30")
  }
}

extension Refusal {
  /// Nothing was issued: the same is to be asked again. Where the key is kept is not told to anyone.
  static func keyOutOfReach(_ failure: KeyKeeperFailure) -> Refusal {
    Refusal(.unavailable, failure.code, "expected the issuing CA's key at hand, found it out of reach")
  }
}
