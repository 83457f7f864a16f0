import Enrollment
import HTTPTypes
import MusterModel
import X509

/// `/v1/operators`, `/v1/hubs`, `/v1/issuers`, `/v1/makers` and `/v1/policy`.
struct InstanceRoutes: Sendable {
  let rooms: ServiceRooms

  var routes: [Route] { peers + issuers + makers + policy }

  private var peers: [Route] {
    [
      .operation(.operatorList, .get, "/v1/operators", .paged) { request, caller in
        try .json(try await Inspection(rooms.instance, for: caller).operators(request.page()).answered())
      },
      .operation(.operatorAdd, .post, "/v1/operators") { request, caller in
        let input: OperatorInput = try StrictJSON.decode(request)
        let csr = try Base64Field.decode(input.csr, "csr")
        return try await identity(try await rooms.administration.addOperator(input, csr: csr, by: caller).answered())
      },
      .operation(.identityRenew, .post, "/v1/identity/renew") { request, caller in
        let input: RenewalInput = try StrictJSON.decode(request)
        let csr = try Base64Field.decode(input.csr, "csr")
        return try await identity(try await rooms.administration.renew(csr: csr, by: caller).answered())
      },
      .operation(.operatorRemove, .delete, "/v1/operators/{name}") { request, caller in
        _ = try await rooms.administration.removeOperator(try request.parameter("name"), by: caller).answered()
        return .noContent
      },
      .operation(.hubList, .get, "/v1/hubs", .paged) { request, caller in
        try .json(try await Inspection(rooms.instance, for: caller).hubs(request.page()).answered())
      },
      .operation(.hubAdd, .post, "/v1/hubs") { request, caller in
        let input: HubInput = try StrictJSON.decode(request)
        let csr = try Base64Field.decode(input.csr, "csr")
        return try await identity(try await rooms.administration.addHub(input, csr: csr, by: caller).answered())
      },
      .operation(.hubRemove, .delete, "/v1/hubs/{name}") { request, caller in
        _ = try await rooms.administration.removeHub(try request.parameter("name"), by: caller).answered()
        return .noContent
      },
      .operation(.hubSealKey, .post, "/v1/hubs/{name}/seal-key") { request, caller in
        let input: SealKeyInput = try StrictJSON.decode(request)
        let name = try request.parameter("name")
        return try .json(try await rooms.administration.setSealKey(ofHub: name, input, by: caller).answered())
      },
    ]
  }

  /// The certificate as it is handed out, with the position that proves it.
  private func identity(_ added: PeerAdded) async throws -> Answer {
    guard let certificate = try await rooms.instance.listings.certificate(.record(added.certificate)) else {
      throw Problem.internalError
    }
    let identity = IssuedIdentity(
      record: added.record, certificate: added.chain.first.map(PEMText.certificate) ?? "",
      issuer: added.chain.dropFirst().map(PEMText.certificate).joined(),
      trustAnchor: PEMText.certificate(rooms.instance.authorities.root), position: certificate.position)
    return try Answer.json(identity).adding(.musterPosition, String(certificate.position))
  }

  private var issuers: [Route] {
    [
      .operation(.caShow, .get, "/v1/issuers") { _, caller in
        try await rooms.check(.caShow, for: caller)
        return try .json(try await rooms.reader.issuers().map(summary))
      },
      .operation(.caCRL, .post, "/v1/issuers/crl") { _, caller in
        let grant = try await rooms.administration.grant(.caCRL, to: caller).answered()
        return try .json(try await rooms.status.publishLists(by: grant, for: caller).answered())
      },
    ]
  }

  private var makers: [Route] {
    [
      .operation(.caTrustList, .get, "/v1/makers", .paged) { request, caller in
        try .json(try await Inspection(rooms.instance, for: caller).tpmMakers(request.page()).answered())
      },
      .operation(.caTrustImport, .post, "/v1/makers", .init(bodyLimit: 1024 * 1024)) { request, caller in
        let input: MakerInput = try StrictJSON.decode(request)
        let certificates = try PEMText.certificates(input.certificates)
        return try .json(try await rooms.administration.importMakers(certificates, by: caller).answered())
      },
      .operation(.caTrustRemove, .delete, "/v1/makers/{fingerprint}") { request, caller in
        _ = try await rooms.administration.removeMaker(try request.parameter("fingerprint"), by: caller).answered()
        return .noContent
      },
    ]
  }

  private var policy: [Route] {
    [
      .operation(.policyExplain, .post, "/v1/policy/explain") { request, caller in
        let input: ExplanationInput = try StrictJSON.decode(request)
        return try .json(try await rooms.administration.explain(input, by: caller).answered())
      }
    ]
  }

  private func summary(_ issuer: IssuerRecord) throws -> IssuerSummary {
    let certificate = try Certificate(derEncoded: issuer.der)
    return IssuerSummary(
      use: issuer.use.rawValue, issuerKeyID: issuer.keyID, subject: certificate.subject.description,
      notAfter: Timestamp(milliseconds: Int64(certificate.notValidAfter.timeIntervalSince1970) * 1000),
      issued: issuer.issued, revoked: issuer.revoked, crl: rooms.points.crl(issuer: issuer.keyID, shard: nil),
      certificate: PEMText.certificate(issuer.der))
  }
}
