import Crypto
import Foundation
import Manifests
import MusterModel
import X509

/// A device as the service answered it.
struct MadeDevice: Sendable {
  let board: PendingBoard
  let record: String
  let generation: UInt64
  let position: UInt64
  /// nil where it has symmetric keys alone.
  let certificate: Issued?
  let keys: DeviceKeysFile?

  struct Issued {
    let serial: String
    let der: [UInt8]
    let notBefore: Timestamp
    let notAfter: String
  }

  /// nil where the line is not the answer to this board, certifies another key than its own, or lacks what was asked for.
  init?(_ line: FlatObject, for board: PendingBoard) {
    guard line.text("deviceID") == board.row.deviceID.text, let record = line.text("device"),
      let generation = line.number("generation"), let position = line.number("position")
    else { return nil }
    self.board = board
    self.record = record
    self.generation = generation
    self.position = position
    certificate = board.credentials.hasCertificate ? Issued(line, for: board) : nil
    keys = board.credentials.hasKeys ? DeviceKeysFile(line) : nil
    guard (certificate != nil) == board.credentials.hasCertificate, (keys != nil) == board.credentials.hasKeys else {
      return nil
    }
  }
}

extension MadeDevice.Issued {
  fileprivate init?(_ line: FlatObject, for board: PendingBoard) {
    guard let serial = line.text("serial"), let notAfter = line.text("notAfter"),
      let der = line.text("certificate").flatMap({ Data(base64Encoded: $0) }),
      let certificate = try? Certificate(derEncoded: [UInt8](der)), certificate.publicKey == board.publicKey
    else { return nil }
    self.serial = serial
    self.der = [UInt8](der)
    notBefore = Timestamp(milliseconds: Int64(certificate.notValidBefore.timeIntervalSince1970 * 1000))
    self.notAfter = notAfter
  }
}

/// `device-keys.json`: both keys of a device, in base64.
struct DeviceKeysFile: CanonicalJSON {
  let primary: String
  let primaryVersion: UInt64
  let secondary: String
  let secondaryVersion: UInt64

  init?(_ line: FlatObject) {
    guard let primary = line.text("primary"), let secondary = line.text("secondary"),
      let primaryVersion = line.number("primaryVersion"), let secondaryVersion = line.number("secondaryVersion")
    else { return nil }
    self.primary = primary
    self.primaryVersion = primaryVersion
    self.secondary = secondary
    self.secondaryVersion = secondaryVersion
  }

  func write(to json: inout JSONWriter) {
    json.field("primary", primary)
    json.field("primaryVersion", number: primaryVersion)
    json.field("secondary", secondary)
    json.field("secondaryVersion", number: secondaryVersion)
  }
}

extension PendingBoard {
  fileprivate var publicKey: Certificate.PublicKey? {
    if let key { return Certificate.PublicKey(key.publicKey) }
    return try? CertificateSigningRequest(derEncoded: request).publicKey
  }
}

/// What is the same for every device of a run.
struct RunFacts: Sendable {
  let order: RecordName
  let batch: RecordID
  let group: String?
  let hub: String?
  let hubHost: String?
  let server: String
  /// In PEM, above the devices' certificates.
  let issuers: String
  let trustAnchor: String
}

/// The devices' folders. One that is there is whole: it was written under another name, synced with others, and renamed.
struct DeviceFolders {
  private let files: StationFiles
  private let made: AppendFile
  /// Of what is made, the hash of each hardware ID.
  private var hardware: Set<Int> = []

  init(_ files: StationFiles) throws {
    self.files = files
    made = try AppendFile(files.made)
    var hardware: Set<Int> = []
    try made.lines { line in
      if let text = FlatObject(line)?.text("hardware") { hardware.insert(text.hashValue) }
    }
    self.hardware = hardware
  }

  func isMade(_ id: HardwareID) -> Bool { hardware.contains(id.description.hashValue) }

  enum Standing { case absent, made, otherHardware }

  /// A folder that was renamed and not yet noted is made.
  mutating func standing(of row: ManifestRow) throws -> Standing {
    if isMade(row.hardware) { return .made }
    let path = files.device(row.deviceID)
    guard FileManager.default.fileExists(atPath: path) else { return .absent }
    guard let content = FileManager.default.contents(atPath: path + "/device.json"),
      let device = try? JSONDecoder().decode(DeviceFile.self, from: content), device.hardware == row.hardware
    else { return .otherHardware }
    try note([(row, device.serial, device.position)])
    return .made
  }

  /// When this returns, each folder is there, whole, and on disk.
  mutating func write(_ devices: [MadeDevice], _ facts: RunFacts) throws {
    // A few files are sooner synced one by one than with all else that the disk waits for.
    let isFew = devices.count <= 4
    for device in devices { try write(device, facts, isSynced: isFew) }
    if !isFew { try files.sync() }
    for device in devices {
      let id = device.board.row.deviceID
      guard rename(files.unfinished + "/" + id.text, files.device(id)) == 0 else {
        throw CommandFailure("expected to make \(files.device(id)), found: \(systemError())")
      }
    }
    try syncFolder(files.out)
    try note(devices.map { ($0.board.row, $0.certificate?.serial, $0.position) })
  }

  private func write(_ device: MadeDevice, _ facts: RunFacts, isSynced: Bool) throws {
    let folder = files.unfinished + "/" + device.board.row.deviceID.text
    try? FileManager.default.removeItem(atPath: folder)
    guard mkdir(folder, 0o700) == 0 else { throw CommandFailure("expected to make \(folder), found: \(systemError())") }
    try writePlain(folder + "/device.json", try DeviceFile(device, facts).json() + "\n", 0o644, isSynced)
    if let certificate = device.certificate {
      try writePlain(folder + "/certificate.pem", PEM.certificate(certificate.der) + facts.issuers, 0o644, isSynced)
    }
    if let keys = device.keys {
      let text = String(decoding: JSONWriter.bytes(of: keys), as: UTF8.self)
      try writePlain(folder + "/device-keys.json", text + "\n", 0o600, isSynced)
    }
    try writePlain(folder + "/trust.pem", facts.trustAnchor, 0o644, isSynced)
    if let key = device.board.key {
      try writePlain(folder + "/private-key.pem", PEM.privateKey(key), 0o600, isSynced)
    }
    if isSynced { try syncFolder(folder) }
  }

  private mutating func note(_ devices: [(row: ManifestRow, serial: String?, position: UInt64)]) throws {
    var lines: [UInt8] = []
    for device in devices {
      hardware.insert(device.row.hardware.description.hashValue)
      lines += JSONWriter.bytes(
        of: MadeLine(hardware: device.row.hardware, deviceID: device.row.deviceID, serial: device.serial))
      lines.append(UInt8(ascii: "\n"))
    }
    try made.append(lines)
    try made.sync()
  }
}

private struct MadeLine: CanonicalJSON {
  let hardware: HardwareID
  let deviceID: DeviceID
  let serial: String?
  func write(to json: inout JSONWriter) {
    json.field("deviceID", deviceID)
    json.field("hardware", hardware)
    json.field("serial", serial)
  }
}

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
  let order: RecordName
  let batch: RecordID
  let tags: [String: String]?

  init(_ device: MadeDevice, _ facts: RunFacts) {
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

/// Writes a new file; of many, all are synced at once afterwards.
private func writePlain(_ path: String, _ text: String, _ mode: mode_t, _ isSynced: Bool) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
  guard descriptor >= 0 else { throw CommandFailure("expected to write \(path), found: \(systemError())") }
  defer { close(descriptor) }
  var text = text
  let isWritten = text.withUTF8 { write(descriptor, $0.baseAddress, $0.count) == $0.count }
  guard isWritten, fchmod(descriptor, mode) == 0, !isSynced || fsync(descriptor) == 0 else {
    throw CommandFailure("expected to write \(path), found: \(systemError())")
  }
}
