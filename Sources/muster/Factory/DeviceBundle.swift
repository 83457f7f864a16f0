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
    guard !made.isEmpty || !FileManager.default.fileExists(atPath: path) else {
      throw CommandFailure("expected no file at \(path), found one that this station did not make", status: 2)
    }
  }

  func standing(of row: ManifestRow) -> DeviceStanding { made.contains(row.hardware) ? .made : .absent }

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

  /// What is noted, from where it lies: in the archive that was cut off, or in the one that is in its place.
  private func opened() throws -> AppendFile {
    let end = made.end
    if end > 0, try AppendFile(files.archive).length() < end {
      try? FileManager.default.removeItem(atPath: files.archive)
      do {
        try FileManager.default.copyItem(atPath: path, toPath: files.archive)
      } catch {
        throw CommandFailure("expected the devices that were made in \(path), found: \(error)")
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

/// An entry of an archive in the ustar form (POSIX.1-2017, pax, "ustar Interchange Format").
enum TarEntry {
  private static let block = 512
  /// Two blocks of zeros.
  static let end = [UInt8](repeating: 0, count: 2 * block)

  /// The device's folder and its files.
  static func all(of device: DevicePackage) throws -> [UInt8] {
    let folder = device.row.deviceID.text + "/"
    return try device.files.reduce(into: try header(folder, mode: 0o700, size: 0, type: "5")) { bytes, file in
      let content = Array(file.text.utf8)
      bytes += try header(folder + file.name, mode: file.mode, size: content.count, type: "0") + content
      bytes += [UInt8](repeating: 0, count: (block - content.count % block) % block)
    }
  }

  private static func header(_ name: String, mode: mode_t, size: Int, type: String) throws -> [UInt8] {
    guard name.utf8.count <= 100, size < 1 << 33 else {
      throw CommandFailure("expected a name of at most 100 bytes for an archive, found \(name)")
    }
    // Field by field: name, mode, uid, gid, size, mtime, checksum, type, link, magic, version, names, device, prefix.
    let time = Int(Date().timeIntervalSince1970)
    var bytes =
      field(name, 100) + number(Int(mode), 8) + number(0, 8) + number(0, 8) + number(size, 12) + number(time, 12)
      + Array("        ".utf8) + field(type, 1) + field("", 100) + field("ustar", 6) + Array("00".utf8)
      + field("root", 32) + field("root", 32) + number(0, 8) + number(0, 8) + field("", 155)
    bytes += [UInt8](repeating: 0, count: block - bytes.count)
    let sum = bytes.reduce(0) { $0 + Int($1) }
    bytes.replaceSubrange(148..<156, with: number(sum, 7) + Array(" ".utf8))
    return bytes
  }

  private static func field(_ text: String, _ width: Int) -> [UInt8] {
    Array(text.utf8) + [UInt8](repeating: 0, count: width - text.utf8.count)
  }

  /// In octal digits, ended by a zero byte.
  private static func number(_ value: Int, _ width: Int) -> [UInt8] {
    let digits = String(value, radix: 8)
    return Array((String(repeating: "0", count: width - 1 - digits.utf8.count) + digits).utf8) + [0]
  }
}
