import Foundation
import MusterModel

/// Where the keys of made devices lie, and how they go: overwritten in place. What a disk keeps of that below the file
/// system is beyond a program's reach.
protocol MadeKeys {
  func hasSymmetric(_ device: StationRecord.Device) throws -> Bool
  /// Gone for good once `sync` returned; wiped before, it does nothing.
  func wipe(_ device: StationRecord.Device) throws
  func sync() throws
}

/// The files of a device's package that hold keys.
private let keyFiles = ["private-key.pem", "device-keys.json"]

extension StationFiles {
  func keys() throws -> any MadeKeys { try bundle.map { try ArchivedKeys($0) } ?? KeyFiles(files: self) }
}

/// In each device's folder, which loses them.
struct KeyFiles: MadeKeys {
  let files: StationFiles

  func hasSymmetric(_ device: StationRecord.Device) -> Bool {
    FileManager.default.fileExists(atPath: files.keys(of: device.id))
  }

  func wipe(_ device: StationRecord.Device) throws { try KeyFiles.wipe(in: files.device(device.id)) }

  func sync() {}

  /// Of a folder that is there or not.
  static func wipe(in folder: String) throws {
    for name in keyFiles {
      let path = folder + "/" + name
      // A link in a key's place is not followed to what it names.
      let descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
      if descriptor < 0, errno == ENOENT { continue }
      guard descriptor >= 0 else { throw CommandFailure("expected to wipe \(path), found: \(systemError())") }
      defer { close(descriptor) }
      try overwrite(descriptor, from: 0, of: path)
      guard unlink(path) == 0 else { throw CommandFailure("expected to wipe \(path), found: \(systemError())") }
    }
  }
}

/// In the archive, whose entries keep their names and lengths: it reads as before, and says in place of a key that it is
/// wiped.
final class ArchivedKeys: MadeKeys {
  private let path: String
  private let descriptor: Int32

  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CommandFailure("expected the archive at \(path), found none that can be written: \(systemError())")
    }
  }

  deinit { close(descriptor) }

  func hasSymmetric(_ device: StationRecord.Device) throws -> Bool {
    try entries(of: device).contains { $0.name == device.id.text + "/device-keys.json" }
  }

  func wipe(_ device: StationRecord.Device) throws {
    for entry in try entries(of: device) where keyFiles.contains(where: { entry.name == "\(device.id)/\($0)" }) {
      let note = Array("wiped\n".utf8).prefix(entry.content.count)
      let bytes = note + [UInt8](repeating: UInt8(ascii: "\n"), count: entry.content.count - note.count)
      guard pwrite(descriptor, Array(bytes), bytes.count, off_t(entry.content.lowerBound)) == bytes.count else {
        throw CommandFailure("expected to wipe the keys of \(device.id) in \(path), found: \(systemError())")
      }
    }
  }

  func sync() throws {
    guard fdatasync(descriptor) == 0 else {
      throw CommandFailure("expected \(path) to be synced, found: \(systemError())")
    }
  }

  /// When it was put into the archive.
  func written(_ device: StationRecord.Device) throws -> Timestamp? {
    try entries(of: device).first.map { Timestamp(milliseconds: Int64($0.time) * 1000) }
  }

  /// All of one device. Throws where they are not what this station wrote there: another file is not written to.
  private func entries(of device: StationRecord.Device) throws -> [TarEntry.Header] {
    guard let place = device.place else { throw foreign(device) }
    var (entries, next): ([TarEntry.Header], UInt64) = ([], place.lowerBound)
    while next < place.upperBound {
      var block = [UInt8](repeating: 0, count: TarEntry.block)
      guard pread(descriptor, &block, block.count, off_t(next)) == block.count,
        let header = TarEntry.Header(block, at: next), header.name.hasPrefix(device.id.text + "/"),
        header.end <= place.upperBound
      else { throw foreign(device) }
      entries.append(header)
      next = header.end
    }
    return entries
  }

  private func foreign(_ device: StationRecord.Device) -> CommandFailure {
    CommandFailure("expected \(device.id) in the archive \(path) where it was put, found something else there")
  }
}

/// Writes zeros over a file from a place to its end, on disk when this returns. Not by a descriptor that appends: on Linux
/// its pwrite() appends too.
func overwrite(_ descriptor: Int32, from start: UInt64, of path: String) throws {
  let (end, zeros) = (lseek(descriptor, 0, SEEK_END), [UInt8](repeating: 0, count: 1 << 16))
  var next = off_t(start)
  while next < end {
    let count = pwrite(descriptor, zeros, min(zeros.count, Int(end - next)), next)
    guard count > 0 else { throw CommandFailure("expected to wipe \(path), found: \(systemError())") }
    next += off_t(count)
  }
  guard fdatasync(descriptor) == 0 else { throw CommandFailure("expected to wipe \(path), found: \(systemError())") }
}
