import DeviceRegistry
import Enrollment
import Foundation
import HTTPTypes
import KeyVault
import MusterModel

/// `POST /v1/enrollments`: the same enrollment as by EST, in JSON.
struct EnrollmentRoutes: Sendable {
  let rooms: ServiceRooms
  let strangers: StrangerLimits

  struct Input: Codable {
    struct Ticket: Codable {
      let deviceID: String
      let code: String
    }
    /// Without it and without a token, the client certificate is the evidence.
    let ticket: Ticket?
    /// By a key derived from the group's.
    let token: String?
    /// `certificate` by default.
    let credentials: DeviceCredentials?
    /// PKCS #10 in base64, for a certificate.
    let csr: String?
    /// 32 bytes in base64 that the device made and keeps, where it wants keys and no certificate.
    let claim: String?
    let group: String?
    let hardware: [String]?
  }

  struct Output: Encodable {
    let device: RecordID
    let deviceID: DeviceID
    let record: RecordID?
    let serial: String?
    let notAfter: Timestamp?
    let certificate: String?
    let issuer: String?
    let keys: IssuedKeys?
    let trustAnchor: String
    let position: UInt64
  }

  var routes: [Route] { [.device(.post, "/v1/enrollments") { try await enroll($0) }] }

  private func enroll(_ request: RoutedRequest) async throws -> Answer {
    let input: Input = try StrictJSON.decode(request)
    let asked = EnrollmentRequest(
      evidence: try evidence(input, request), wish: try wish(input),
      label: try input.group.map(groupName), claimed: try hardware(input.hardware),
      source: request.peer.source.description)
    let outcome = try await DeviceEnrollment(rooms.instance).enroll(asked)
    return try answer(try DeviceEvidence(strangers: strangers).settle(outcome, of: request))
  }

  private func wish(_ input: Input) throws(Problem) -> EnrollmentRequest.Wish {
    switch (input.credentials ?? .certificate, input.csr, input.claim) {
    case (.certificate, let csr?, nil): return .certificate(try Base64Field.decode(csr, "csr"))
    case (.both, let csr?, nil): return .both(try Base64Field.decode(csr, "csr"))
    case (.key, nil, let claim?):
      guard let claim = EnrollmentClaim(try Base64Field.decode(claim, "claim")) else {
        throw .badRequest("claim-malformed", "expected a claim of \(EnrollmentClaim.size) bytes")
      }
      return .keys(claim)
    default:
      throw .badRequest(
        "credentials-malformed", "expected a csr for a certificate or both, a claim for keys alone; found another set")
    }
  }

  private func evidence(_ input: Input, _ request: RoutedRequest) throws(Problem) -> EnrollmentRequest.Evidence {
    let evidence = DeviceEvidence(strangers: strangers)
    if let token = input.token {
      guard input.ticket == nil else { throw .evidenceAmbiguous }
      try strangers.checkAttempts(request.peer.source, at: request.at)
      return try evidence.token(token, request)
    }
    guard let (deviceID, code) = try ticket(input.ticket, request) else { return try evidence.certificate(request) }
    return .ticket(deviceID, code)
  }

  /// What cannot be a code is a wrong one; nil where no ticket is named.
  func ticket(_ input: Input.Ticket?, _ request: RoutedRequest) throws(Problem) -> (DeviceID, TicketCode)? {
    guard let input else { return nil }
    try strangers.checkAttempts(request.peer.source, at: request.at)
    guard let deviceID = DeviceID(input.deviceID) else {
      throw .badRequest("device-id-malformed", "expected a device ID (\(DeviceID.rule))")
    }
    let code = try DeviceEvidence(strangers: strangers).code(SecretBytes(copying: input.code.utf8), request)
    return (deviceID, code)
  }

  func hardware(_ names: [String]?) throws(Problem) -> [HardwareID] {
    let texts = names ?? []
    guard texts.count <= 16 else {
      throw .badRequest("too-much-hardware", "expected at most 16 hardware IDs, found \(texts.count)")
    }
    var claimed: [HardwareID] = []
    for text in texts {
      switch HardwareID.parse(text) {
      case .success(let id): claimed.append(id)
      case .failure(let refusal): throw .badRequest("hardware-id-malformed", refusal.description)
      }
    }
    return claimed
  }

  private func groupName(_ text: String) throws(Problem) -> RecordName {
    guard let name = RecordName(text) else {
      throw .badRequest("name-malformed", "expected a group's name (\(RecordName.rule))")
    }
    return name
  }

  func answer(_ enrolled: Enrolled) throws -> Answer {
    let certificate = enrolled.certificate
    let output = Output(
      device: enrolled.device, deviceID: enrolled.deviceID, record: certificate?.record, serial: certificate?.serial,
      notAfter: certificate?.notAfter, certificate: certificate?.chain.first.map(PEMText.certificate),
      issuer: certificate?.chain.dropFirst().map(PEMText.certificate).joined(), keys: enrolled.keys,
      trustAnchor: PEMText.certificate(rooms.instance.authorities.root), position: enrolled.position)
    return try Answer.json(output).adding(.musterPosition, String(enrolled.position))
  }
}

/// Bytes in a JSON field: base64, as PKCS #10 is written everywhere.
enum Base64Field {
  static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

  static func decode(_ text: String, _ name: String) throws(Problem) -> [UInt8] {
    guard let bytes = Base64.decode(Array(text.utf8)), !bytes.isEmpty else {
      throw .badRequest("base64-malformed", "expected base64 in \(name)")
    }
    return bytes
  }
}
