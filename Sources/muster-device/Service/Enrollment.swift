import Foundation
import MusterModel
import NIOSSL
import ServiceAnswers
import TPMCommands
import TPMDevice

/// By what the device is given its certificate.
enum Authorization {
  case ticket(deviceID: String, code: String)
  /// The same, with a TPM's word on the key beside it.
  case attestedTicket(deviceID: String, code: String, EndorsementKind?)
  /// The maker's certificate, which TLS shows.
  case idevid
  /// A TPM's word alone: the key is the TPM's.
  case attestation(EndorsementKind?)
}

/// One enrollment, from the key on. What is answered is on disk when it returns.
struct Enrollment {
  let folder: StateFolder
  let client: ServiceClient
  let group: String?
  let hardware: [String]
  /// A file with what the firmware measured, where it is not where Linux leaves it.
  let eventLog: String?
  let credentials: WantedCredentials

  func run(_ key: any DeviceKey, by authorization: Authorization) async throws -> DeviceCertificate {
    let request = try await key.request(commonName: "device")
    let answer: EnrolledAnswer =
      switch authorization {
      case .ticket(let deviceID, let code):
        try await client.post(
          "/v1/enrollments",
          EnrollmentRequest(
            ticket: .init(deviceID: deviceID, code: code), credentials: credentials, csr: base64(request), group: group,
            hardware: hardware.isEmpty ? nil : hardware))
      case .idevid:
        try await client.post(
          "/v1/enrollments",
          EnrollmentRequest(
            ticket: nil, credentials: credentials, csr: base64(request), group: group,
            hardware: hardware.isEmpty ? nil : hardware))
      case .attestation(let kind): try await attest(key, kind, request, beside: nil)
      case .attestedTicket(let deviceID, let code, let kind):
        try await attest(key, kind, request, beside: .init(deviceID: deviceID, code: code))
      }
    guard let certificate = answer.certificate, let issuer = answer.issuer else {
      throw DeviceFailure("expected a certificate of the service, found none in its answer")
    }
    let pem = Array((certificate + issuer).utf8)
    let kept = try DeviceCertificate(pem: pem)
    try kept.require(key.publicKey)
    if credentials == .both {
      guard let keys = answer.keys else {
        throw DeviceFailure("expected symmetric keys of the service, found none in its answer")
      }
      try SymmetricKeys(keys).write(to: folder)
    }
    // Last: with it the device is enrolled.
    try folder.write(.certificate, pem)
    return kept
  }

  private struct Ticket: Encodable {
    let deviceID: String
    let code: String
  }

  private struct EnrollmentRequest: Encodable {
    let ticket: Ticket?
    let credentials: WantedCredentials
    let csr: String
    let group: String?
    let hardware: [String]?
  }
}

/// What a device enrolls for.
enum WantedCredentials: String, Encodable, CaseIterable {
  case certificate
  /// Symmetric keys beside it.
  case both
}

func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

// MARK: - A TPM's word

extension Enrollment {
  private struct Evidence: Codable {
    let ekPublic: String
    let akPublic: String
    let keyPublic: String
    let ekCertificate: String?
    let ekIssuers: [String]?

    init(_ shown: TPMDeviceKeys.Evidence) {
      ekPublic = base64(shown.ekPublic)
      akPublic = base64(shown.akPublic)
      keyPublic = base64(shown.keyPublic)
      ekCertificate = shown.ekCertificate.map(base64)
      ekIssuers = shown.ekIssuers.isEmpty ? nil : shown.ekIssuers.map(base64)
    }
  }

  private struct Response: Encodable {
    let ekPublic: String
    let akPublic: String
    let keyPublic: String
    let ekCertificate: String?
    let ekIssuers: [String]?
    let secret: String
    let certifyInfo: String
    let certifySignature: String
    let quote: String?
    let quoteSignature: String?
    let pcrValues: String?
    let eventLog: String?
    let csr: String
    let group: String?
    let ticket: Ticket?
    let hardware: [String]?
  }

  /// Evidence in, challenge out; the TPM's answer in, the certificate out. Cut off between the two it begins anew, and the
  /// same key gets the same certificate.
  private func attest(
    _ key: any DeviceKey, _ kind: EndorsementKind?, _ request: [UInt8], beside ticket: Ticket?
  ) async throws -> EnrolledAnswer {
    guard let key = key as? TPMKey else { throw DeviceFailure("expected a key of the TPM, found another", status: 2) }
    let shown = try await onItsThread { try key.tpm.evidence(of: key.blob, kind) }
    let evidence = Evidence(shown)
    let challenge: ChallengeAnswer
    do {
      challenge = try await client.post("/v1/attestations", evidence)
    } catch var failure as DeviceFailure {
      // What the operator is to allow.
      if let id = EndorsementID.text(of: shown.ekPublic) {
        failure = DeviceFailure(
          "\(failure.description)\n  this TPM is \(id)", code: failure.code, retryAfter: failure.retryAfter,
          isPassing: failure.isPassing)
      }
      throw failure
    }
    let answer = try await onItsThread {
      try key.tpm.answer(
        shown.kind, key.blob, credential: challenge.credential, encryptedSecret: challenge.encryptedSecret,
        nonce: challenge.nonce, quoting: challenge.pcrs)
    }
    let log = answer.quote == nil ? nil : try measured(key.tpm.place)
    return try await client.post(
      "/v1/attestations/\(challenge.attestation)/answer",
      Response(
        ekPublic: evidence.ekPublic, akPublic: evidence.akPublic, keyPublic: evidence.keyPublic,
        ekCertificate: evidence.ekCertificate, ekIssuers: evidence.ekIssuers, secret: base64(answer.secret),
        certifyInfo: base64(answer.certifyInfo),
        certifySignature: base64(answer.certifySignature), quote: answer.quote.map { base64($0.info) },
        quoteSignature: answer.quote.map { base64($0.signature) }, pcrValues: answer.quote.map { base64($0.pcrValues) },
        eventLog: log.map(base64), csr: base64(request), group: group, ticket: ticket,
        hardware: ticket == nil || hardware.isEmpty ? nil : hardware))
  }

  /// What the firmware measured: of the file that was named, else where Linux leaves it, if it may be read.
  private func measured(_ place: TPMPlace) throws(DeviceFailure) -> [UInt8]? {
    guard let eventLog else { return place.eventLog.flatMap { try? StateFolder.read($0) } }
    guard let bytes = try StateFolder.read(eventLog) else {
      throw DeviceFailure("expected the firmware's event log in \(eventLog), found no file", status: 2)
    }
    return bytes
  }
}
