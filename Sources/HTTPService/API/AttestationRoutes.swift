import Attestation
import Enrollment
import HTTPTypes
import MusterModel

/// `POST /v1/attestations`, `POST /v1/attestations/{id}/answer`: a device with a TPM enrolls by it.
struct AttestationRoutes: Sendable {
  let rooms: ServiceRooms
  let strangers: StrangerLimits

  /// The TPM structures in base64.
  struct Evidence: Codable {
    /// TPM2B_PUBLIC, each.
    let ekPublic: String
    let akPublic: String
    let keyPublic: String
    /// The endorsement key's certificate, DER.
    let ekCertificate: String?
  }

  struct Challenge: Encodable {
    let attestation: RecordID
    let nonce: String
    /// TPM2B_ID_OBJECT.
    let credential: String
    /// TPM2B_ENCRYPTED_SECRET.
    let encryptedSecret: String
    let expires: Timestamp
  }

  struct Response: Codable {
    let ekPublic: String
    let akPublic: String
    let keyPublic: String
    let ekCertificate: String?
    /// What TPM2_ActivateCredential gave.
    let secret: String
    /// TPMS_ATTEST.
    let certifyInfo: String
    /// TPMT_SIGNATURE.
    let certifySignature: String
    /// PKCS #10.
    let csr: String
    let group: String?
  }

  var routes: [Route] {
    [
      .device(.post, "/v1/attestations") { try await challenge($0) },
      .device(.post, "/v1/attestations/{attestation}/answer") { try await answer($0) },
    ]
  }

  private func challenge(_ request: RoutedRequest) async throws -> Answer {
    try refuseCertificate(request)
    let input: Evidence = try StrictJSON.decode(request)
    let evidence = try evidence(input.ekPublic, input.akPublic, input.keyPublic, input.ekCertificate)
    let given = try await DeviceAttestation(rooms.instance).challenge(
      evidence, source: request.peer.source.description, network: request.peer.source.network.description
    ).answered()
    let output = Challenge(
      attestation: given.record, nonce: Base64Field.encode(given.challenge.nonce),
      credential: Base64Field.encode(given.challenge.credential.identity),
      encryptedSecret: Base64Field.encode(given.challenge.credential.encryptedSeed), expires: given.expires)
    return try Answer.json(output, .created)
  }

  private func answer(_ request: RoutedRequest) async throws -> Answer {
    try refuseCertificate(request)
    guard let attestation = RecordID(try request.parameter("attestation")), attestation.kind == .attestation else {
      throw Problem.badRequest("attestation-malformed", "expected an attestation's record ID, att_…")
    }
    let input: Response = try StrictJSON.decode(request)
    let answer = TPMAnswer(
      evidence: try evidence(input.ekPublic, input.akPublic, input.keyPublic, input.ekCertificate),
      secret: SecretBytes(copying: try Base64Field.decode(input.secret, "secret")),
      certifyInfo: try Base64Field.decode(input.certifyInfo, "certifyInfo"),
      certifySignature: try Base64Field.decode(input.certifySignature, "certifySignature"))
    let asked = EnrollmentRequest(
      evidence: .tpm(challenge: attestation, answer), csr: try Base64Field.decode(input.csr, "csr"),
      label: try input.group.map(request.name), source: request.peer.source.description)
    let enrolled = try await DeviceEnrollment(rooms.instance).enroll(asked).answered()
    return try EnrollmentRoutes(rooms: rooms, strangers: strangers).answer(enrolled)
  }

  private func evidence(
    _ ekPublic: String, _ akPublic: String, _ keyPublic: String, _ ekCertificate: String?
  ) throws(Problem) -> TPMEvidence {
    var certificate: [UInt8]?
    if let ekCertificate { certificate = try Base64Field.decode(ekCertificate, "ekCertificate") }
    return TPMEvidence(
      ekPublic: try Base64Field.decode(ekPublic, "ekPublic"), akPublic: try Base64Field.decode(akPublic, "akPublic"),
      keyPublic: try Base64Field.decode(keyPublic, "keyPublic"), ekCertificate: certificate)
  }

  /// One evidence: a certificate beside it would be another.
  private func refuseCertificate(_ request: RoutedRequest) throws(Problem) {
    guard request.peer.chain.isEmpty else {
      throw Problem(
        .forbidden, "evidence-ambiguous", detail: "expected one evidence, found a TPM's and a client certificate"
      ).counted()
    }
  }
}
