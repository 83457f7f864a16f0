import Manifests
import MusterModel
import SQLiteStore
import Synchronization

/// What was made, device by device, in the order in which it came to be on disk.
final class MadeList: Sendable {
  private struct State {
    let file: AppendFile
    /// Where the last device ends in the archive; 0 without one.
    var end: UInt64 = 0
  }

  private let state: Mutex<State>
  /// The hash of each hardware ID.
  private let hardware: ScratchSet

  init(_ files: StationFiles) throws {
    let hardware = try ScratchSet()
    var end: UInt64 = 0
    let file = try AppendFile(files.made)
    try file.lines { line in
      guard let object = FlatObject(line) else { return }
      if let text = object.text("hardware") { _ = try hardware.insert(text.hashValue) }
      end = object.number("end") ?? end
    }
    self.hardware = hardware
    state = Mutex(State(file: file, end: end))
  }

  var end: UInt64 { state.withLock { $0.end } }
  func isEmpty() throws -> Bool { try hardware.count() == 0 }

  func contains(_ id: HardwareID) throws -> Bool { try hardware.contains(id.description.hashValue) }

  /// On disk when this returns.
  func note(_ devices: [MadeLine]) throws {
    var lines: [UInt8] = []
    for device in devices { lines += JSONWriter.bytes(of: device) + [UInt8(ascii: "\n")] }
    try state.withLock { [lines] state in
      for device in devices {
        _ = try hardware.insert(device.hardware.description.hashValue)
        state.end = device.end ?? state.end
      }
      try state.file.append(lines)
      try state.file.sync()
    }
  }
}

struct MadeLine: CanonicalJSON, Sendable {
  let hardware: HardwareID
  let deviceID: DeviceID
  let serial: String?
  /// Where it ends in the archive.
  let end: UInt64?

  init(_ row: ManifestRow, serial: String?, end: UInt64? = nil) {
    hardware = row.hardware
    deviceID = row.deviceID
    self.serial = serial
    self.end = end
  }

  func write(to json: inout JSONWriter) {
    json.field("deviceID", deviceID)
    json.field("end", number: end)
    json.field("hardware", hardware)
    json.field("serial", serial)
  }
}

/// Each by `body`, many beside each other on all cores; in their order.
func beside<Value: Sendable, Result: Sendable>(
  _ values: [Value], _ body: @escaping @Sendable (Value) throws -> Result
) async throws -> [Result] {
  let width = max(16, values.count / 8 + 1)
  guard values.count > width else { return try values.map(body) }
  return try await withThrowingTaskGroup(of: (Int, [Result]).self) { group in
    for start in stride(from: 0, to: values.count, by: width) {
      let slice = values[start..<min(values.count, start + width)]
      group.addTask { (start, try slice.map(body)) }
    }
    var results: [(Int, [Result])] = []
    for try await result in group { results.append(result) }
    return results.sorted { $0.0 < $1.0 }.flatMap(\.1)
  }
}
