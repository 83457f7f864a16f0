import Foundation
import Manifests
import MusterModel
import Synchronization

/// One archive of all devices (POSIX.1 ustar), whole or not there: it grows beside, each device noted once it is on disk
/// with where it ends, and is put in its place when the run is over. What was not noted is cut off before it grows on.
final class DeviceBundle: DeviceStore {
  private let path: String
  private let files: StationFiles
  private let made: MadeList
  /// nil until something is to be written.
  private let archive = Mutex<AppendFile?>(nil)

  init(_ files: StationFiles, _ made: MadeList, path: String) throws {
    self.files = files
    self.made = made
    self.path = path
    guard try !made.isEmpty() || !FileManager.default.fileExists(atPath: path) else {
      throw CommandFailure("expected no file at \(path), found one that this station did not make", status: 2)
    }
  }

  func standing(of row: ManifestRow) throws -> DeviceStanding { try made.contains(row.hardware) ? .made : .absent }

  func write(_ devices: [DevicePackage]) async throws {
    let entries = try await beside(devices) { try TarEntry.all(of: $0) }
    try archive.withLock { archive in
      let file = try archive ?? opened()
      archive = file
      var end = made.end
      try file.append(entries.flatMap(\.self))
      try file.sync()
      try made.note(
        zip(devices, entries).map { device, entry in
          end += UInt64(entry.count)
          return MadeLine(device.row, serial: device.serial, end: end)
        })
    }
  }

  /// What is noted, from where it lies: in the archive that was cut off, or in the one that is in its place. That is
  /// moved and not copied: no second archive holds the keys, where nobody would wipe them.
  private func opened() throws -> AppendFile {
    let end = made.end
    if end > 0, try AppendFile(files.archive).length() < end {
      guard rename(path, files.archive) == 0 else {
        throw CommandFailure("expected the devices that were made in \(path), found: \(systemError())")
      }
    }
    let file = try AppendFile(files.archive)
    guard try file.length() >= end else {
      throw CommandFailure("expected the devices that were made in \(path), found it cut off")
    }
    try file.cut(at: end)
    return file
  }

  func finish() throws {
    try archive.withLock { archive in
      let isWhole = archive == nil && FileManager.default.fileExists(atPath: path)
      guard !isWhole, made.end > 0 else { return }
      let file = try archive ?? opened()
      archive = nil
      try file.append(TarEntry.end)
      try file.sync()
      guard rename(files.archive, path) == 0 else {
        throw CommandFailure("expected to make \(path), found: \(systemError())")
      }
      try syncFolder(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }
  }
}
