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
    /// Its issuers', DER, where the device has them.
    let ekIssuers: [String]?
  }

  struct Challenge: Encodable {
    let attestation: RecordID
    let nonce: String
    /// TPM2B_ID_OBJECT.
    let credential: String
    /// TPM2B_ENCRYPTED_SECRET.
    let encryptedSecret: String
    let expires: Timestamp
    /// Registers of the SHA-256 bank that a quote over the nonce is wanted of; absent where none is.
    let pcrs: [Int]?
  }

  struct Response: Codable {
    let ekPublic: String
    let akPublic: String
    let keyPublic: String
    let ekCertificate: String?
    let ekIssuers: [String]?
    /// What TPM2_ActivateCredential gave.
    let secret: String
    /// TPMS_ATTEST.
    let certifyInfo: String
    /// TPMT_SIGNATURE.
    let certifySignature: String
    /// TPMS_ATTEST and TPMT_SIGNATURE of TPM2_Quote; the registers' values one after the other; the firmware's event log.
    let quote: String?
    let quoteSignature: String?
    let pcrValues: String?
    let eventLog: String?
    /// PKCS #10.
    let csr: String
    let group: String?
    /// What authorises, where the TPM's word stands beside it.
    let ticket: EnrollmentRoutes.Input.Ticket?
    /// What the device says of its hardware.
    let hardware: [String]?
  }

  /// An event log in base64, and what else there is.
  private static let withLog = Route.Shape(bodyLimit: 256 * 1024)

  var routes: [Route] {
    [
      .device(.post, "/v1/attestations") { try await challenge($0) },
      .device(.post, "/v1/attestations/{attestation}/answer", AttestationRoutes.withLog) { try await answer($0) },
    ]
  }

  private func challenge(_ request: RoutedRequest) async throws -> Answer {
    try refuseCertificate(request)
    let input: Evidence = try StrictJSON.decode(request)
    let evidence = try evidence(
      input.ekPublic, input.akPublic, input.keyPublic, input.ekCertificate, input.ekIssuers)
    let given = try await DeviceAttestation(rooms.instance).challenge(
      evidence, source: request.peer.source.description, network: request.peer.source.network.description
    ).answered()
    let output = Challenge(
      attestation: given.record, nonce: Base64Field.encode(given.challenge.nonce),
      credential: Base64Field.encode(given.challenge.credential.identity),
      encryptedSecret: Base64Field.encode(given.challenge.credential.encryptedSeed), expires: given.expires,
      pcrs: given.registers.isEmpty ? nil : given.registers)
    return try Answer.json(output, .created)
  }

  private func answer(_ request: RoutedRequest) async throws -> Answer {
    try refuseCertificate(request)
    guard let attestation = RecordID(try request.parameter("attestation")), attestation.kind == .attestation else {
      throw Problem.badRequest("attestation-malformed", "expected an attestation's record ID, att_…")
    }
    let input: Response = try StrictJSON.decode(request)
    let answer = TPMAnswer(
      evidence: try evidence(
        input.ekPublic, input.akPublic, input.keyPublic, input.ekCertificate, input.ekIssuers),
      secret: SecretBytes(copying: try Base64Field.decode(input.secret, "secret")),
      certifyInfo: try Base64Field.decode(input.certifyInfo, "certifyInfo"),
      certifySignature: try Base64Field.decode(input.certifySignature, "certifySignature"), quote: try quote(input))
    let enrollments = EnrollmentRoutes(rooms: rooms, strangers: strangers)
    let asked = EnrollmentRequest(
      evidence: .tpm(challenge: attestation, answer, ticket: try enrollments.ticket(input.ticket, request)),
      csr: try Base64Field.decode(input.csr, "csr"), label: try input.group.map(request.name),
      claimed: try enrollments.hardware(input.hardware), source: request.peer.source.description)
    let outcome = try await DeviceEnrollment(rooms.instance).enroll(asked)
    return try enrollments.answer(try DeviceEvidence(strangers: strangers).settle(outcome, of: request))
  }

  private func evidence(
    _ ekPublic: String, _ akPublic: String, _ keyPublic: String, _ ekCertificate: String?, _ ekIssuers: [String]?
  ) throws(Problem) -> TPMEvidence {
    var certificate: [UInt8]?
    if let ekCertificate { certificate = try Base64Field.decode(ekCertificate, "ekCertificate") }
    var issuers: [[UInt8]] = []
    for issuer in ekIssuers ?? [] { issuers.append(try Base64Field.decode(issuer, "ekIssuers")) }
    return TPMEvidence(
      ekPublic: try Base64Field.decode(ekPublic, "ekPublic"), akPublic: try Base64Field.decode(akPublic, "akPublic"),
      keyPublic: try Base64Field.decode(keyPublic, "keyPublic"), ekCertificate: certificate,
      ekIssuers: issuers)
  }

  private func quote(_ input: Response) throws(Problem) -> Quote? {
    guard let info = input.quote, let signature = input.quoteSignature else {
      guard [input.quote, input.quoteSignature, input.pcrValues, input.eventLog].allSatisfy({ $0 == nil }) else {
        throw Problem.badRequest(
          "quote-malformed", "expected quote and quoteSignature, and what else is shown beside them")
      }
      return nil
    }
    var quote = Quote(
      info: try Base64Field.decode(info, "quote"), signature: try Base64Field.decode(signature, "quoteSignature"))
    if let values = input.pcrValues { quote.pcrValues = try Base64Field.decode(values, "pcrValues") }
    if let log = input.eventLog { quote.eventLog = try Base64Field.decode(log, "eventLog") }
    return quote
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
