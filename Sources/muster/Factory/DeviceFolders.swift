import Foundation
import Manifests
import MusterModel

/// Where a run puts what it made.
protocol DeviceStore: Sendable {
  /// What is there of a board already.
  func standing(of row: ManifestRow) throws -> DeviceStanding
  /// When this returns, each device is there, whole, and on disk. One call at a time.
  func write(_ devices: [DevicePackage]) async throws
  /// The run is over.
  func finish() throws
}

enum DeviceStanding { case absent, made, otherHardware }

/// The devices' folders. One that is there is whole: it was written under another name, synced with others, and renamed.
final class DeviceFolders: DeviceStore {
  private let files: StationFiles
  private let made: MadeList

  init(_ files: StationFiles, _ made: MadeList) {
    self.files = files
    self.made = made
  }

  /// A folder that was renamed and not yet noted is made.
  func standing(of row: ManifestRow) throws -> DeviceStanding {
    if try made.contains(row.hardware) { return .made }
    let path = files.device(row.deviceID)
    guard FileManager.default.fileExists(atPath: path) else { return .absent }
    guard let content = FileManager.default.contents(atPath: path + "/device.json"),
      let device = try? JSONDecoder().decode(DeviceFile.self, from: content), device.hardware == row.hardware
    else { return .otherHardware }
    try made.note([MadeLine(row, serial: device.serial)])
    return .made
  }

  func write(_ devices: [DevicePackage]) async throws {
    // A few files are sooner synced one by one than with all else that the disk waits for.
    let isFew = devices.count <= 4
    _ = try await beside(devices) { try self.write($0, isSynced: isFew) }
    if !isFew { try files.sync() }
    for device in devices {
      let id = device.row.deviceID
      guard rename(files.unfinished + "/" + id.text, files.device(id)) == 0 else {
        throw CommandFailure("expected to make \(files.device(id)), found: \(systemError())")
      }
    }
    try syncFolder(files.out)
    try made.note(devices.map { MadeLine($0.row, serial: $0.serial) })
  }

  func finish() {}

  private func write(_ device: DevicePackage, isSynced: Bool) throws {
    let folder = files.unfinished + "/" + device.row.deviceID.text
    if mkdir(folder, 0o700) != 0 {
      try KeyFiles.wipe(in: folder)
      try? FileManager.default.removeItem(atPath: folder)
      guard mkdir(folder, 0o700) == 0 else {
        throw CommandFailure("expected to make \(folder), found: \(systemError())")
      }
    }
    for file in device.files { try writePlain(folder + "/" + file.name, file.text, file.mode, isSynced) }
    if isSynced { try syncFolder(folder) }
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
