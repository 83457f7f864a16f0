import Attestation
import CertificateAuthority
import KeyVault
import MusterModel

/// Evidence that the registry itself can appraise, from its facts alone.
enum KnownEvidence: Sendable {
  case ticket(DeviceID, TicketCode)
  case station(StationRequest)

  /// nil for a maker's certificate, whose path is to be built.
  init?(_ evidence: EnrollmentRequest.Evidence) {
    switch evidence {
    case .ticket(let deviceID, let code): self = .ticket(deviceID, code)
    case .station(let asked): self = .station(asked)
    case .certificate: return nil
    }
  }

  /// What the caller was authenticated by: a change of that is no reason to decide again, but to refuse.
  var caller: ReadSet {
    switch self {
    case .ticket: ReadSet()
    case .station(let asked): asked.caller.reads
    }
  }
}

/// A request with such evidence, as it came.
struct KnownRequest: Sendable {
  let request: EnrollmentRequest
  let evidence: KnownEvidence
}

/// One whose own words hold: its key is sound, its maker holds the private key.
struct SoundRequest: Sendable {
  enum Shown: Sendable {
    case ticket(TicketEvidence)
    case station(StationRequest)
  }

  let request: EnrollmentRequest
  let verified: VerifiedRequest
  let shown: Shown

  /// What is asked of the registry.
  var query: FactsQuery {
    var query = FactsQuery()
    switch shown {
    case .ticket(let evidence):
      query.ticket = .code(evidence.code)
      query.hardware = request.claimed
    case .station(let asked): query = asked.query
    }
    query.publicKey = verified.publicKey
    return query
  }
}
