import CertificateAuthority
import HTTPTypes
import MusterModel

/// What anyone may read, also without TLS: it is signed, and whoever checks a certificate must reach it first.
struct PublicRoutes: Sendable {
  let rooms: ServiceRooms

  private static let plain = Route.Shape(isPlain: true)
  /// RFC 6960 appendix A.1: more is no question.
  private static let ocsp = Route.Shape(bodyLimit: OCSPRequest.sizeLimit, isPlain: true)

  var routes: [Route] {
    [
      .anyone(.get, "/crl/{issuerKeyID}.crl", PublicRoutes.plain) { try await revocationList($0, shard: nil) },
      .anyone(.get, "/crl/{issuerKeyID}/{shard}.crl", PublicRoutes.plain) { request in
        guard let shard = try number(request.parameter("shard")) else { throw Problem.notFound }
        return try await revocationList(request, shard: shard)
      },
      .anyone(.get, "/ca/{issuerKeyID}.cer", PublicRoutes.plain) { try await authority($0) },
      .anyone(.post, "/ocsp", PublicRoutes.ocsp) { request in
        guard ESTBody.mediaType(request.headers.single(.contentType)) == "application/ocsp-request" else {
          throw Problem(
            .unsupportedMediaType, "content-type-unsupported", detail: "expected application/ocsp-request")
        }
        return try await status(request.body, request)
      },
      .anyone(.get, "/ocsp/{request...}", PublicRoutes.ocsp) { request in
        guard let der = Base64.decode(Array(try request.parameter("request").utf8)) else {
          throw Problem.badRequest("base64-malformed", "expected an OCSP request in base64, percent-encoded")
        }
        return try await status(der, request)
      },
    ]
  }

  private func revocationList(_ request: RoutedRequest, shard: UInt32?) async throws -> Answer {
    guard let list = try await rooms.status.revocationList(of: request.parameter("issuerKeyID"), shard: shard) else {
      throw Problem.notFound
    }
    return answer(list, type: "application/pkix-crl", request)
  }

  private func authority(_ request: RoutedRequest) async throws -> Answer {
    let keyID = try request.parameter("issuerKeyID")
    guard let issuer = try await rooms.reader.issuers().first(where: { $0.keyID == keyID }) else {
      throw Problem.notFound
    }
    return Answer(type: "application/pkix-cert", issuer.der).adding(.cacheControl, "public, max-age=86400")
  }

  private func status(_ der: [UInt8], _ request: RoutedRequest) async throws -> Answer {
    let status = try await rooms.status.certificateStatus(der, source: request.peer.source.network.description)
    return answer(status, type: "application/ocsp-response", request)
  }

  /// Kept for a minute at most: a revocation is to be seen soon, though the signature is good for longer. Who has it
  /// already is told so (RFC 9110 §13.1.2).
  private func answer(_ status: SignedStatus, type: String, _ request: RoutedRequest) -> Answer {
    var answer = Answer(type: type, status.der)
    guard let next = status.nextUpdate, next > request.at else { return answer }
    if let tag = status.entityTag, request.headers[.ifNoneMatch] == tag { answer = Answer(.notModified) }
    answer.headers[.eTag] = status.entityTag
    answer.headers[.lastModified] = status.lastModified.map(HTTPDate.text)
    answer.headers[.expires] = HTTPDate.text(next)
    let age = min(60, next.seconds - request.at.seconds)
    answer.headers[.cacheControl] = "max-age=\(age), public, no-transform, must-revalidate"
    return answer
  }

  /// A decimal number in its one form.
  private func number(_ text: String) -> UInt32? { UInt32(text).flatMap { String($0) == text ? $0 : nil } }
}
