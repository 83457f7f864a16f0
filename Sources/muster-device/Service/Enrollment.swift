import Foundation
import MusterModel
import NIOSSL
import TPMCommands
import TPMDevice

/// By what the device is given its certificate.
enum Authorization {
  case ticket(deviceID: String, code: String)
  /// A TPM's word alone: the key is the TPM's.
  case attestation(EndorsementKind?)
}

/// One enrollment, from the key on. What is answered is on disk when it returns.
struct Enrollment {
  let folder: StateFolder
  let client: ServiceClient
  let group: String?
  let hardware: [String]

  /// The service's answer, of which the certificate is kept apart.
  struct Answer: Codable {
    let deviceID: String
    let certificate: String?
    let issuer: String?
    let position: UInt64
  }

  func run(_ key: any DeviceKey, by authorization: Authorization) async throws -> DeviceCertificate {
    let request = try await key.request(commonName: "device")
    let answer: Answer =
      switch authorization {
      case .ticket(let deviceID, let code):
        try await client.post(
          "/v1/enrollments",
          TicketRequest(
            ticket: .init(deviceID: deviceID, code: code), csr: base64(request), group: group,
            hardware: hardware.isEmpty ? nil : hardware))
      case .attestation(let kind): try await attest(key, kind, request)
      }
    guard let certificate = answer.certificate, let issuer = answer.issuer else {
      throw DeviceFailure("expected a certificate of the service, found none in its answer")
    }
    let pem = Array((certificate + issuer).utf8)
    let kept = try DeviceCertificate(pem: pem)
    try kept.require(key.publicKey)
    try folder.write(.certificate, pem)
    return kept
  }

  private struct TicketRequest: Encodable {
    struct Ticket: Encodable {
      let deviceID: String
      let code: String
    }
    let ticket: Ticket
    let csr: String
    let group: String?
    let hardware: [String]?
  }
}

func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

// MARK: - A TPM's word

extension Enrollment {
  private struct Evidence: Codable {
    let ekPublic: String
    let akPublic: String
    let keyPublic: String
    let ekCertificate: String?

    init(_ shown: TPMDeviceKeys.Evidence) {
      ekPublic = base64(shown.ekPublic)
      akPublic = base64(shown.akPublic)
      keyPublic = base64(shown.keyPublic)
      ekCertificate = shown.ekCertificate.map(base64)
    }
  }

  private struct Challenge: Decodable {
    let attestation: String
    let nonce: Data
    let credential: Data
    let encryptedSecret: Data
  }

  private struct Response: Encodable {
    let ekPublic: String
    let akPublic: String
    let keyPublic: String
    let ekCertificate: String?
    let secret: String
    let certifyInfo: String
    let certifySignature: String
    let csr: String
    let group: String?
  }

  /// Evidence in, challenge out; the TPM's answer in, the certificate out. Cut off between the two it begins anew, and the
  /// same key gets the same certificate.
  private func attest(_ key: any DeviceKey, _ kind: EndorsementKind?, _ request: [UInt8]) async throws -> Answer {
    guard let key = key as? TPMKey else { throw DeviceFailure("expected a key of the TPM, found another", status: 2) }
    let shown = try await onItsThread { try key.tpm.evidence(of: key.blob, kind) }
    let evidence = Evidence(shown)
    let challenge: Challenge
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
    // The ID goes into a path.
    guard challenge.attestation.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }) else {
      throw DeviceFailure("expected the ID of a challenge, found another text")
    }
    let answer = try await onItsThread {
      try key.tpm.answer(
        shown.kind, key.blob, credential: Array(challenge.credential),
        encryptedSecret: Array(challenge.encryptedSecret),
        nonce: Array(challenge.nonce))
    }
    return try await client.post(
      "/v1/attestations/\(challenge.attestation)/answer",
      Response(
        ekPublic: evidence.ekPublic, akPublic: evidence.akPublic, keyPublic: evidence.keyPublic,
        ekCertificate: evidence.ekCertificate, secret: base64(answer.secret), certifyInfo: base64(answer.certifyInfo),
        certifySignature: base64(answer.certifySignature), csr: base64(request), group: group))
  }
}
