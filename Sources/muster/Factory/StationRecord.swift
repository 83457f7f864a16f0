import Foundation
import MusterModel
import SQLiteStore

/// A station's folder as it was left, read line by line: of each board no more than a hash is kept, and that not in memory.
struct StationRecord {
  struct Device {
    let id: DeviceID
    /// Where it lies in the archive.
    let place: Range<UInt64>?
  }

  private let files: StationFiles
  private let confirmed: ScratchSet

  init(_ files: StationFiles) throws {
    self.files = files
    guard FileManager.default.fileExists(atPath: files.journal) else {
      throw CommandFailure("expected a station's folder, found none at \(files.out)", status: 2)
    }
    let confirmed = try ScratchSet()
    try wholeLines(of: files.confirmed) { _ = try confirmed.insert(String(decoding: $0, as: UTF8.self).hashValue) }
    self.confirmed = confirmed
  }

  func isConfirmed(_ id: DeviceID) throws -> Bool { try confirmed.contains(id.text.hashValue) }

  /// Each device that was made, once.
  func made(_ body: (Device) throws -> Void) throws {
    let seen = try ScratchSet()
    var start: UInt64 = 0
    try wholeLines(of: files.made) { line in
      guard let object = FlatObject(line), let id = object.text("deviceID").flatMap({ DeviceID($0) }) else { return }
      let place = object.number("end").flatMap { $0 < start ? nil : start..<$0 }
      start = place?.upperBound ?? start
      guard try seen.insert(id.text.hashValue) else { return }
      try body(Device(id: id, place: place))
    }
  }

  func status() throws -> StatusCommand.Status {
    let made = try madeHardware()
    var (underWay, refused) = (0, -1)
    var head: FlatObject?
    try wholeLines(of: files.journal) { line in
      guard let object = FlatObject(line) else { return }
      guard let hardware = object.text("hardware") else { return head = object }
      if try !made.contains(hardware.hashValue) { underWay += 1 }
    }
    try wholeLines(of: files.refused) { _ in refused += 1 }
    return StatusCommand.Status(
      order: head?.text("order").flatMap { RecordName($0) }, batch: head?.text("batch").flatMap { RecordID($0) },
      made: try made.count(), underWay: underWay, refused: max(0, refused), confirmed: try confirmed.count())
  }

  /// Whether a run that was cut off left keys of made devices in the journal.
  func holdsKeysOfMade() throws -> Bool {
    let made = try madeHardware()
    var isFound = false
    try wholeLines(of: files.journal) { line in
      if let hardware = FlatObject(line)?.text("hardware"), try made.contains(hardware.hashValue) { isFound = true }
    }
    return isFound
  }

  private func madeHardware() throws -> ScratchSet {
    let made = try ScratchSet()
    try wholeLines(of: files.made) { line in
      if let hardware = FlatObject(line)?.text("hardware") { _ = try made.insert(hardware.hashValue) }
    }
    return made
  }

  func expectMade(_ devices: Set<String>) throws {
    var missing = devices
    try made { missing.remove($0.id.text) }
    if let unknown = missing.min() {
      throw CommandFailure("expected a device that was made in \(files.out), found \(excerpt(unknown))")
    }
  }

  func unconfirmed(madeBefore time: Timestamp, _ body: (DeviceID) -> Void) throws {
    let archive = try files.bundle.map { try ArchivedKeys($0) }
    try made { device in
      guard try !isConfirmed(device.id) else { return }
      // Of what is not there nobody knows better.
      let written = try archive.map { try $0.written(device) } ?? written(device)
      if written.map({ $0 < time }) ?? true { body(device.id) }
    }
  }

  private func written(_ device: Device) -> Timestamp? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: files.device(device.id) + "/device.json")
    return (attributes?[.modificationDate] as? Date).map {
      Timestamp(milliseconds: Int64($0.timeIntervalSince1970 * 1000))
    }
  }
}
