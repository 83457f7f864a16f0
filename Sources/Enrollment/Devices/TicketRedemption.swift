import Attestation
import CertificateAuthority
import KeyVault
import MusterModel

/// A request whose evidence is a ticket.
struct TicketEnrollment: Sendable {
  let request: EnrollmentRequest
  let deviceID: DeviceID
  let code: TicketCode
}

/// A request by ticket whose own words hold: its key is sound, its maker holds the private key.
struct TicketRedemption: Sendable {
  let request: EnrollmentRequest
  let verified: VerifiedRequest
  let evidence: TicketEvidence

  /// What is asked of the registry.
  var query: FactsQuery {
    var query = FactsQuery()
    query.ticket = .code(evidence.code)
    query.hardware = request.claimed
    query.publicKey = verified.publicKey
    return query
  }
}
