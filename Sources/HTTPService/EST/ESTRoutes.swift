import CertificateAuthority
import Enrollment
import HTTPTypes
import KeyVault
import MusterModel

/// Enrollment over Secure Transport (RFC 7030, RFC 8951), with a label that names the group and without.
struct ESTRoutes: Sendable {
  let rooms: ServiceRooms
  let strangers: StrangerLimits

  var routes: [Route] {
    ["/.well-known/est", "/.well-known/est/{label}"].flatMap { base in
      [
        .anyone(.get, base + "/cacerts", shape) { try await authorities($0) },
        .anyone(.get, base + "/csrattrs", shape) {
          _ = try label($0)
          return ESTBody.attributes(ESTAttributes.der)
        },
        .device(.post, base + "/simpleenroll", enrolling) { try await enroll($0) },
        .device(.post, base + "/simplereenroll", enrolling) { try await renew($0) },
      ]
    }
  }

  private let shape = Route.Shape(manner: .est)
  /// The body is read once the request shows some evidence beside it.
  private let enrolling = Route.Shape(manner: .est, isStreamed: true)

  init(rooms: ServiceRooms, strangers: StrangerLimits) {
    self.rooms = rooms
    self.strangers = strangers
  }

  /// The root and what it certified and did not revoke, so that a client trusts the service by the same answer.
  private func authorities(_ request: RoutedRequest) async throws -> Answer {
    _ = try label(request)
    let issuers = try await rooms.reader.issuers().filter { $0.revoked == nil }
    return ESTBody.certificates(CertificatesOnly.encode(issuers.map(\.der)))
  }

  private func enroll(_ request: RoutedRequest) async throws -> Answer {
    let label = try label(request)
    let evidence = try DeviceEvidence(strangers: strangers).read(request)
    let csr = try ESTBody.request(try await request.readBody().body, headers: request.headers)
    let outcome = try await DeviceEnrollment(rooms.instance).enroll(
      EnrollmentRequest(evidence: evidence, csr: csr, label: label, source: request.peer.source.description))
    return answer(try DeviceEvidence(strangers: strangers).settle(outcome, of: request))
  }

  private func renew(_ request: RoutedRequest) async throws -> Answer {
    _ = try label(request)
    guard let leaf = request.peer.chain.first else { throw Problem.notAuthenticated(showing: []) }
    // RFC 7030 §4.2.2 has the certificate authenticate who renews. What comes beside it would go unread, and it is a code.
    guard request.headers[values: .authorization].isEmpty else { throw Problem.evidenceAmbiguous }
    let csr = try ESTBody.request(try await request.readBody().body, headers: request.headers)
    let outcome = try await DeviceRenewal(rooms.instance).renew(
      leaf: leaf, csr: csr, source: request.peer.source.description)
    return answer(try DeviceEvidence(strangers: strangers).settle(outcome, of: request))
  }

  /// The issued certificate alone (RFC 7030 §4.2.3).
  private func answer(_ enrolled: Enrolled) -> Answer {
    ESTBody.certificates(CertificatesOnly.encode(Array(enrolled.chain.prefix(1))))
      .adding(.musterPosition, String(enrolled.position))
  }

  private func label(_ request: RoutedRequest) throws(Problem) -> RecordName? {
    guard let text = request.parameters["label"] else { return nil }
    guard let name = RecordName(text) else {
      throw .badRequest("label-malformed", "expected a group's name (\(RecordName.rule))")
    }
    return name
  }
}
