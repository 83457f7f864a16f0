import Attestation
import DeviceRegistry
import Foundation
import MusterModel
import Policy

/// What a decision was made from, as its event's private details keep it: explaining it, and trying another policy on it,
/// need it. JSON with sorted keys; what a decision was not made from is left out.
struct DecisionRecord: Codable, Sendable {
  struct Hardware: Codable, Sendable {
    let id: HardwareID
    let assurance: Assurance
  }

  struct Register: Codable, Sendable {
    let pcr: Int
    let value: Digest
  }

  /// Grows when a field changes its meaning.
  private(set) var v = 1
  /// The caller, as `by` writes an actor.
  let principal: String
  /// An operation of `access.yaml`; nil for an enrollment.
  var operation: String?
  var role: String?
  var act: String?
  var evidence: String?
  var hardware: [Hardware]?
  /// unknown, allowed, bound or blocked.
  var standing: String?
  /// The group that the standing allows it for.
  var allowedFor: RecordID?
  /// The device that it is bound to.
  var boundTo: RecordID?
  var group: RecordID?
  /// The key ring that it concerns.
  var ring: RecordName?
  /// What was asked for; nil for a certificate alone.
  var credentials: String?
  /// SHA-256 of the certificate request.
  var request: Digest?
  /// true where it is weaker than the device's last evidence; else nil.
  var weaker: Bool?
  /// Of a TPM: by what it is trusted; true where its certificate's time is over, else nil; its known weakness.
  var endorsement: String?
  var expired: Bool?
  var weakness: String?
  /// What it showed of its start: nil where it did not.
  var secureBoot: Bool?
  var registers: [Register]?

  /// An enrollment's.
  init(
    principal: Actor, act: EnrollmentQuestion.Act?, result: AttestationResult, standing: Standing, group: RecordID?,
    credentials: DeviceCredentials = .certificate, isWeaker: Bool = false, request: Digest?
  ) {
    self.principal = principal.description
    self.act = act?.rawValue
    evidence = result.evidence.rawValue
    hardware = result.hardware.map { Hardware(id: $0.id, assurance: $0.assurance) }
    self.group = group
    self.request = request
    self.credentials = credentials == .certificate ? nil : credentials.rawValue
    weaker = isWeaker ? true : nil
    if let tpm = EnrollmentCircumstances.TPM(result) {
      endorsement = tpm.endorsement.rawValue
      expired = tpm.isExpired ? true : nil
      weakness = tpm.weakness
      secureBoot = tpm.secureBoot
      if !tpm.registers.isEmpty {
        registers = tpm.registers.sorted { $0.key < $1.key }.map { Register(pcr: $0.key, value: $0.value) }
      }
    }
    switch standing {
    case .unknown: self.standing = "unknown"
    case .allowed(let group):
      self.standing = "allowed"
      allowedFor = group
    case .bound(let device):
      self.standing = "bound"
      boundTo = device
    case .blocked: self.standing = "blocked"
    }
  }

  /// An operation's.
  init(
    principal: Principal, operation: Policy.Operation, group: RecordID?, ring: RecordName? = nil, request: Digest? = nil
  ) {
    self.principal = principal.actor?.description ?? principal.list.description
    self.operation = operation.rawValue
    role = principal.list.description
    self.group = group
    self.ring = ring
    self.request = request
  }

  func text() -> String { String(decoding: JSONWriter.bytes(of: self), as: UTF8.self) }
}

extension DecisionRecord: CanonicalJSON {
  func write(to json: inout JSONWriter) {
    json.field("act", act)
    json.field("allowedFor", allowedFor)
    json.field("boundTo", boundTo)
    json.field("credentials", credentials)
    json.field("endorsement", endorsement)
    json.field("evidence", evidence)
    if let expired { json.field("expired", bool: expired) }
    json.field("group", group)
    json.field("hardware", objects: hardware)
    json.field("operation", operation)
    json.field("principal", principal)
    json.field("registers", objects: registers)
    json.field("request", digest: request)
    json.field("ring", ring?.text)
    json.field("role", role)
    if let secureBoot { json.field("secureBoot", bool: secureBoot) }
    json.field("standing", standing)
    json.field("v", number: UInt64(v))
    json.field("weakness", weakness)
    if let weaker { json.field("weaker", bool: weaker) }
  }
}

extension DecisionRecord.Register: CanonicalJSON {
  func write(to json: inout JSONWriter) {
    json.field("pcr", number: UInt64(pcr))
    json.field("value", digest: value)
  }
}

extension DecisionRecord.Hardware: CanonicalJSON {
  func write(to json: inout JSONWriter) {
    json.field("assurance", assurance.rawValue)
    json.field("id", id)
  }
}
