import CLinux
import Foundation
import MusterModel

/// Where a station keeps what: `OUT/<device ID>/` for each device, and `OUT/.station/` for what it needs to go on after it
/// was cut off.
struct StationFiles: Sendable {
  let out: String
  /// Where all devices are put into one archive, its path; then `out` is the folder of what the station needs beside it.
  let bundle: String?

  init(out: String) { (self.out, bundle) = (out, nil) }

  init(bundle: String) { (out, self.bundle) = (bundle + ".work", bundle) }

  /// Where the run puts what it makes.
  func store(_ made: MadeList) throws -> any DeviceStore {
    if let bundle { return try DeviceBundle(self, made, path: bundle) }
    return DeviceFolders(self, made)
  }

  private var station: String { out + "/.station" }
  /// The run's order and batch, then each key and request before it was sent.
  var journal: String { station + "/journal" }
  /// Each device that was made, once its folder is whole.
  var made: String { station + "/made" }
  /// Each device whose board is flashed and tested.
  var confirmed: String { station + "/confirmed" }
  /// The archive that is not whole yet.
  var archive: String { station + "/bundle.tar" }
  /// Folders that are not whole yet.
  var unfinished: String { station + "/new" }
  var refused: String { out + "/refused.csv" }
  /// What `factory allow` goes on from.
  var allowing: String { station + "/allowing" }
  /// The one-time secrets of boards that enroll by themselves.
  var secrets: String { out + "/secrets.csv" }

  func device(_ id: DeviceID) -> String { out + "/" + id.text }
  /// A device's symmetric keys, until it is confirmed.
  func keys(of id: DeviceID) -> String { device(id) + "/device-keys.json" }

  /// Makes what is missing. One program works in a folder at a time: the lock is held until the process ends.
  func open() throws {
    for path in [out, station, unfinished] {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }
    let lock = Foundation.open(station + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw CommandFailure("expected to write in \(out), found: \(systemError())") }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw CommandFailure("expected \(out) to be free, found another muster factory at work in it")
    }
  }

  /// Everything that was written to the folder's file system is on disk when this returns.
  func sync() throws {
    let descriptor = Foundation.open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw CommandFailure("expected the folder \(out), found: \(systemError())") }
    defer { close(descriptor) }
    guard sync_file_system(descriptor) == 0 else {
      throw CommandFailure("expected \(out) to be synced, found: \(systemError())")
    }
  }
}

/// The whole lines of a file, which a run may write to meanwhile; none where there is no file.
func wholeLines(of path: String, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
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

func systemError() -> String { String(cString: strerror(errno)) }

/// A file that grows at its end, line by line. A line that was cut off is taken back when it is opened again.
final class AppendFile: Sendable {
  let path: String
  private let descriptor: Int32

  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw CommandFailure("expected to write \(path), found: \(systemError())") }
  }

  deinit { close(descriptor) }

  /// Calls `body` with each whole line, and cuts off what follows the last.
  func lines(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
    var (buffer, offset, whole): ([UInt8], off_t, off_t) = ([], 0, 0)
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = pread(descriptor, &piece, piece.count, offset)
      guard count >= 0 else { throw CommandFailure("expected to read \(path), found: \(systemError())") }
      if count == 0 { break }
      offset += off_t(count)
      buffer += piece.prefix(count)
      var rest = buffer[...]
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        try body(rest[..<end])
        rest = rest[(end + 1)...]
      }
      whole += off_t(buffer.count - rest.count)
      buffer = Array(rest)
    }
    guard buffer.isEmpty || ftruncate(descriptor, whole) == 0 else {
      throw CommandFailure("expected to write \(path), found: \(systemError())")
    }
  }

  func append(_ bytes: [UInt8]) throws {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, bytes.count - written) }
      guard count > 0 else { throw CommandFailure("expected to write \(path), found: \(systemError())") }
      written += count
    }
  }

  func sync() throws {
    guard fdatasync(descriptor) == 0 else {
      throw CommandFailure("expected \(path) to be synced, found: \(systemError())")
    }
  }

  func length() throws -> UInt64 {
    let end = lseek(descriptor, 0, SEEK_END)
    guard end >= 0 else { throw CommandFailure("expected to read \(path), found: \(systemError())") }
    return UInt64(end)
  }

  /// What was beyond is overwritten first: it may have been keys.
  func cut(at length: UInt64) throws {
    // The open file, which may have lost its name.
    let writer = open("/proc/self/fd/\(descriptor)", O_WRONLY | O_CLOEXEC)
    guard writer >= 0 else { throw CommandFailure("expected to write \(path), found: \(systemError())") }
    defer { close(writer) }
    try overwrite(writer, from: length, of: path)
    guard ftruncate(descriptor, off_t(length)) == 0 else {
      throw CommandFailure("expected to write \(path), found: \(systemError())")
    }
  }

  /// Empties it, for good.
  func clear() throws {
    try cut(at: 0)
    try sync()
  }
}
