import Attestation
import CertificateAuthority
import DeviceRegistry
import KeyVault
import MusterModel

/// Evidence that the registry itself can appraise, from its facts alone.
enum KnownEvidence: Sendable {
  case ticket(DeviceID, TicketCode)
  case station(StationRequest)
  case groupKey(EnrollmentToken)

  /// nil for a maker's certificate, whose path is to be built, and for a TPM's answer, which ends its challenge.
  init?(_ evidence: EnrollmentRequest.Evidence) {
    switch evidence {
    case .ticket(let deviceID, let code): self = .ticket(deviceID, code)
    case .station(let asked): self = .station(asked)
    case .groupKey(let token): self = .groupKey(token)
    case .certificate, .tpm: return nil
    }
  }

  /// What the caller was authenticated by: a change of that is no reason to decide again, but to refuse.
  var caller: ReadSet {
    switch self {
    case .ticket, .groupKey: ReadSet()
    case .station(let asked): asked.caller.reads
    }
  }
}

/// A request with such evidence, as it came.
struct KnownRequest: Sendable {
  let request: EnrollmentRequest
  let evidence: KnownEvidence
}

/// What is wished for, once it holds: a request's key is sound and its maker holds the private key.
enum SoundWish: Sendable {
  case certificate(VerifiedRequest)
  case keys(EnrollmentClaim)
  case both(VerifiedRequest)

  var credentials: DeviceCredentials {
    switch self {
    case .certificate: .certificate
    case .keys: .key
    case .both: .both
    }
  }

  /// nil where no certificate is wished for.
  var request: VerifiedRequest? {
    switch self {
    case .certificate(let verified), .both(let verified): verified
    case .keys: nil
    }
  }

  /// By what the same is asked for again.
  var requester: Digest {
    switch self {
    case .certificate(let verified), .both(let verified): verified.publicKey
    case .keys(let claim): claim.digest
    }
  }
}

/// One whose own words hold. An object, for it is handed on many times.
final class SoundRequest: Sendable {
  enum Shown: Sendable {
    case ticket(TicketEvidence)
    case station(StationRequest)
    case groupKey(EnrollmentToken, DeviceID)
  }

  let request: EnrollmentRequest
  let wish: SoundWish
  let shown: Shown

  init(request: EnrollmentRequest, wish: SoundWish, shown: Shown) {
    (self.request, self.wish, self.shown) = (request, wish, shown)
  }

  /// What is asked of the registry.
  var query: FactsQuery {
    var query = FactsQuery()
    switch shown {
    case .ticket(let evidence):
      query.ticket = .code(evidence.code)
      query.hardware = request.claimed
    case .station(let asked): query = asked.query
    case .groupKey(let token, let deviceID):
      query.group = .name(token.group)
      query.boardRings = true
      query.hardware = [token.registration] + request.claimed
      query.deviceOfHardware = true
      query.deviceID = deviceID
    }
    query.publicKey = wish.request?.publicKey
    query.deviceKeys = wish.credentials.hasKeys
    return query
  }
}
