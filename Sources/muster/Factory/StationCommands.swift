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
      return try station.unconfirmed(madeBefore: unconfirmedSince) { print($0) }
    }
    let status = try station.status()
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
    let status = try station.status()
    guard status.underWay == 0 else {
      throw CommandFailure(
        "expected a run that is over, found \(status.underWay) boards under way: provision again first")
    }
    let wanted = all ? nil : Set(devices)
    if let wanted { try station.expectMade(wanted) }
    let confirmed = try AppendFile(files.confirmed)
    var count = 0
    /// Those whose symmetric keys lie here.
    var some: [DeviceID] = []
    try station.made { device in
      guard wanted?.contains(device.id.text) ?? true else { return }
      count += 1
      if station.isConfirmed(device.id) { return }
      guard !device.isInArchive else {
        throw CommandFailure("expected devices in folders, found them in an archive: their keys go when it is removed")
      }
      if FileManager.default.fileExists(atPath: files.keys(of: device.id)) { some.append(device.id) }
    }
    try await tell(some, status.order)
    try station.made { device in
      guard wanted?.contains(device.id.text) ?? true, !station.isConfirmed(device.id) else { return }
      try wipe(files.device(device.id) + "/private-key.pem")
      try wipe(files.keys(of: device.id))
      try confirmed.append(Array("\(device.id)\n".utf8))
    }
    try confirmed.sync()
    print("\(count) confirmed")
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

/// A station's folder as it was left, read line by line: of each board no more than a hash is held.
struct StationRecord {
  struct Device {
    let id: DeviceID
    let isInArchive: Bool
  }

  private let files: StationFiles
  private let confirmed: Set<Int>

  init(_ files: StationFiles) throws {
    self.files = files
    guard FileManager.default.fileExists(atPath: files.journal) else {
      throw CommandFailure("expected a station's folder, found none at \(files.out)", status: 2)
    }
    var confirmed: Set<Int> = []
    try StationRecord.lines(files.confirmed) { confirmed.insert(String(decoding: $0, as: UTF8.self).hashValue) }
    self.confirmed = confirmed
  }

  func isConfirmed(_ id: DeviceID) -> Bool { confirmed.contains(id.text.hashValue) }

  /// Each device that was made, once.
  func made(_ body: (Device) throws -> Void) throws {
    var seen: Set<Int> = []
    try StationRecord.lines(files.made) { line in
      guard let object = FlatObject(line), let id = object.text("deviceID").flatMap({ DeviceID($0) }),
        seen.insert(id.text.hashValue).inserted
      else { return }
      try body(Device(id: id, isInArchive: object.number("end") != nil))
    }
  }

  func status() throws -> StatusCommand.Status {
    var (made, underWay, refused): (Set<Int>, Int, Int) = ([], 0, -1)
    try StationRecord.lines(files.made) { line in
      if let hardware = FlatObject(line)?.text("hardware") { made.insert(hardware.hashValue) }
    }
    var head: FlatObject?
    try StationRecord.lines(files.journal) { line in
      guard let object = FlatObject(line) else { return }
      guard let hardware = object.text("hardware") else { return head = object }
      if !made.contains(hardware.hashValue) { underWay += 1 }
    }
    try StationRecord.lines(files.refused) { _ in refused += 1 }
    return StatusCommand.Status(
      order: head?.text("order").flatMap { RecordName($0) }, batch: head?.text("batch").flatMap { RecordID($0) },
      made: made.count, underWay: underWay, refused: max(0, refused), confirmed: confirmed.count)
  }

  func expectMade(_ devices: Set<String>) throws {
    var missing = devices
    try made { missing.remove($0.id.text) }
    if let unknown = missing.min() {
      throw CommandFailure("expected a device that was made in \(files.out), found \(excerpt(unknown))")
    }
  }

  func unconfirmed(madeBefore time: Timestamp, _ body: (DeviceID) -> Void) throws {
    try made { device in
      guard !isConfirmed(device.id) else { return }
      let path = files.device(device.id) + "/device.json"
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      let at = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      if Timestamp(milliseconds: Int64(at * 1000)) < time { body(device.id) }
    }
  }

  /// The whole lines of a file, which a run may write to meanwhile; none where there is no file.
  private static func lines(_ path: String, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
    guard let file = FileHandle(forReadingAtPath: path) else { return }
    defer { try? file.close() }
    var pending: [UInt8] = []
    while let piece = try file.read(upToCount: 1 << 16), !piece.isEmpty {
      pending += piece
      var rest = pending[...]
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        try body(rest[..<end])
        rest = rest[(end + 1)...]
      }
      pending = Array(rest)
    }
  }
}
