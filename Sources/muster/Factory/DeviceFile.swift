import Foundation
import Manifests
import MusterModel

/// `device.json`.
struct DeviceFile: Codable {
  struct Hub: Codable {
    let name: String
    let host: String?
  }
  struct Endpoints: Codable {
    let est: String
    let service: String
  }
  let deviceID: DeviceID
  let device: String
  let hardware: HardwareID
  let generation: UInt64
  let group: String?
  let hub: Hub?
  let endpoints: Endpoints
  let serial: String?
  let notBefore: String?
  let notAfter: String?
  /// Where the ledger holds the event that issued the certificate, or that handed over the keys.
  let position: UInt64
  /// That the ledger holds it, for who has the ledger's key and nothing else: a C2SP tlog-proof.
  let proof: String
  let order: RecordName
  let batch: RecordID
  let tags: [String: String]?

  init(_ proved: ProvedDevice, _ facts: RunFacts) {
    let device = proved.made
    let row = device.board.row
    deviceID = row.deviceID
    self.device = device.record
    hardware = row.hardware
    generation = device.generation
    group = facts.group
    hub = facts.hub.map { Hub(name: $0, host: facts.hubHost) }
    endpoints = Endpoints(est: facts.server + "/.well-known/est", service: facts.server)
    serial = device.certificate?.serial
    notBefore = device.certificate?.notBefore.description
    notAfter = device.certificate?.notAfter
    position = device.position
    proof = proved.proof
    order = facts.order
    batch = facts.batch
    tags = row.tags.isEmpty ? nil : Dictionary(uniqueKeysWithValues: row.tags.map { ($0.name, $0.value) })
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

/// The files of one device, wherever they are put.
struct DevicePackage: Sendable {
  struct File: Sendable {
    let name: String
    let mode: mode_t
    let text: String
  }

  let row: ManifestRow
  let serial: String?
  let files: [File]

  init(_ device: ProvedDevice, _ facts: RunFacts) throws {
    let made = device.made
    row = made.board.row
    serial = made.certificate?.serial
    var files = [
      File(name: "device.json", mode: 0o644, text: try DeviceFile(device, facts).json() + "\n"),
      File(name: "trust.pem", mode: 0o644, text: facts.trustAnchor),
    ]
    if let certificate = made.certificate {
      files.append(
        File(name: "certificate.pem", mode: 0o644, text: PEM.certificate(certificate.der) + facts.issuers))
    }
    if let keys = made.keys {
      let text = String(decoding: JSONWriter.bytes(of: keys), as: UTF8.self) + "\n"
      files.append(File(name: "device-keys.json", mode: 0o600, text: text))
    }
    if let key = made.board.key {
      files.append(File(name: "private-key.pem", mode: 0o600, text: PEM.privateKey(key)))
    }
    self.files = files
  }
}
