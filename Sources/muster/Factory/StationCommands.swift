import ArgumentParser
import Enrollment
import Foundation
import MusterModel

/// `muster factory status`: what a station's folder holds, without the service.
struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Tells what was made in a folder, what is under way, and what is not confirmed.",
    discussion: "Example: muster factory status --out made --unconfirmed-since 2026-12-01T00:00:00Z")
  @Option(help: "The station's folder.", completion: .directory) var out: String
  @Option(help: "Lists the devices that were made before this time and are not confirmed.", transform: time)
  var unconfirmedSince: Timestamp?
  @OptionGroup var output: Output

  struct Status: Encodable {
    let order: RecordName?
    let batch: RecordID?
    let made: Int
    let underWay: Int
    let refused: Int
    let confirmed: Int
  }

  func run() throws {
    let station = try StationRecord(StationFiles(out: out))
    if let unconfirmedSince {
      for device in try station.unconfirmed(madeBefore: unconfirmedSince) { print(device) }
      return
    }
    let status = station.status
    try output.result(
      status,
      lines: [
        ("order", status.order?.text), ("batch", status.batch?.description), ("made", String(status.made)),
        ("under way", status.underWay == 0 ? "none" : "\(status.underWay): the same provision command goes on"),
        ("refused", String(status.refused)), ("confirmed", "\(status.confirmed) of \(status.made)"),
      ])
  }
}

private func time(_ text: String) throws -> Timestamp {
  guard let time = Timestamp(text) else { throw ValidationError("expected a time such as 2026-12-01T00:00:00Z") }
  return time
}

/// `muster factory confirm`: boards that are flashed and tested need no key here any more.
struct ConfirmCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "confirm", abstract: "Wipes the keys of devices that are flashed and tested.",
    discussion: """
      Example: muster factory confirm --out made meter-1 meter-2
      Where devices have symmetric keys, the service is told first: it hands them to nobody any more.
      A dead board is blocked: muster hardware block HWID.
      """)
  @OptionGroup var connection: Connection
  @Option(help: "The station's folder.", completion: .directory) var out: String
  @Argument(help: "The device IDs.") var devices: [String] = []
  @Flag(help: "All devices that were made here.") var all = false

  func run() async throws {
    let files = StationFiles(out: out)
    guard all == devices.isEmpty else {
      throw CommandFailure("expected either device IDs or --all", status: 2)
    }
    try files.open()
    let station = try StationRecord(files)
    guard station.status.underWay == 0 else {
      throw CommandFailure(
        "expected a run that is over, found \(station.status.underWay) boards under way: provision again first")
    }
    let wanted = try all ? station.made.keys.sorted { $0.text < $1.text } : devices.map(station.device)
    let confirmed = try AppendFile(files.confirmed)
    let new = wanted.filter { !station.confirmed.contains($0) }
    try await tell(new.filter { FileManager.default.fileExists(atPath: files.keys(of: $0)) }, station.order)
    for id in new {
      try wipe(files.device(id) + "/private-key.pem")
      try wipe(files.keys(of: id))
      try confirmed.append(Array("\(id)\n".utf8))
    }
    try confirmed.sync()
    print("\(wanted.count) confirmed")
  }

  private func tell(_ devices: [DeviceID], _ order: RecordName?) async throws {
    guard !devices.isEmpty, let order else { return }
    try await connection.withClient { client in
      for start in stride(from: 0, to: devices.count, by: Administration.confirmationLimit) {
        let some = devices[start...].prefix(Administration.confirmationLimit).map(\.text)
        let _: Confirmed = try await client.post(
          "/v1/orders/\(segment(order.text))/confirmations", ConfirmationInput(devices: some))
      }
    }
  }

  /// Overwritten before it is removed. What the disk keeps of it below the file system is beyond a program's reach.
  private func wipe(_ path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    if descriptor < 0, errno == ENOENT { return }
    guard descriptor >= 0 else { throw CommandFailure("expected to wipe \(path), found: \(systemError())") }
    defer { close(descriptor) }
    let zeros = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
    guard pwrite(descriptor, zeros, zeros.count, 0) == zeros.count, fdatasync(descriptor) == 0, unlink(path) == 0 else {
      throw CommandFailure("expected to wipe \(path), found: \(systemError())")
    }
  }
}

/// A station's folder as it was left.
struct StationRecord {
  private let files: StationFiles
  private(set) var order: RecordName?
  private(set) var batch: RecordID?
  private(set) var made: [DeviceID: HardwareID] = [:]
  private(set) var confirmed: Set<DeviceID> = []
  private var underWay = 0

  init(_ files: StationFiles) throws {
    self.files = files
    guard FileManager.default.fileExists(atPath: files.journal) else {
      throw CommandFailure("expected a station's folder, found none at \(files.out)", status: 2)
    }
    for line in try lines(files.made) {
      guard let object = FlatObject(line), let id = object.text("deviceID").flatMap({ DeviceID($0) }),
        let hardware = object.text("hardware").flatMap({ try? HardwareID.parse($0).get() })
      else { continue }
      made[id] = hardware
    }
    confirmed = Set(try lines(files.confirmed).compactMap { DeviceID(String(decoding: $0, as: UTF8.self)) })
    let known = Set(made.values)
    for line in try lines(files.journal) {
      guard let object = FlatObject(line) else { continue }
      if let hardware = object.text("hardware").flatMap({ try? HardwareID.parse($0).get() }) {
        if !known.contains(hardware) { underWay += 1 }
      } else {
        order = object.text("order").flatMap { RecordName($0) }
        batch = object.text("batch").flatMap { RecordID($0) }
      }
    }
  }

  var status: StatusCommand.Status {
    let refused = (try? lines(files.refused).count) ?? 0
    return StatusCommand.Status(
      order: order, batch: batch, made: made.count, underWay: underWay, refused: max(0, refused - 1),
      confirmed: confirmed.count)
  }

  func device(_ text: String) throws -> DeviceID {
    guard let id = DeviceID(text), made[id] != nil else {
      throw CommandFailure("expected a device that was made in \(files.out), found \(excerpt(text))")
    }
    return id
  }

  func unconfirmed(madeBefore time: Timestamp) throws -> [DeviceID] {
    made.keys.filter { id in
      guard !confirmed.contains(id) else { return false }
      let path = files.device(id) + "/device.json"
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      let at = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      return Timestamp(milliseconds: Int64(at * 1000)) < time
    }.sorted { $0.text < $1.text }
  }

  /// The whole lines of a file; none where there is none.
  private func lines(_ path: String) throws -> [Data.SubSequence] {
    guard let content = FileManager.default.contents(atPath: path), let end = content.lastIndex(of: 0x0a) else {
      return []
    }
    return content[..<end].split(separator: 0x0a)
  }
}
