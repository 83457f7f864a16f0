import Foundation

/// The note of the last checkpoint outside the database: what tells, on start, that committed events are missing.
/// Written to a file of its own, synced, and put in place by renaming, so that there is always a whole one.
///
/// A sync per commit would double each commit's cost: under load the note is at most `interval` old, and exact
/// once nothing was committed for that long, or the store was closed.
struct CheckpointNote {
  private static let interval = 1.0

  private let folder: DataFolder
  private var pending: String?
  private var written: Date?

  init(_ folder: DataFolder) { self.folder = folder }

  /// When the pending note is to be written; nil where none is.
  var due: Date? { pending == nil ? nil : written.map { $0.addingTimeInterval(Self.interval) } ?? .distantPast }

  /// Takes a newer note, to be written when it is due.
  mutating func offer(_ note: String?) {
    if let note { pending = note }
  }

  /// Writes the pending note if it is due. A note that cannot be written is tried again with the next.
  mutating func writeIfDue(now: Date = Date()) {
    // A clock that was set back must not hold the note off.
    if let due, due <= now || due.timeIntervalSince(now) > Self.interval { write(now) }
  }

  mutating func write(_ now: Date = Date()) {
    guard let pending else { return }
    written = now
    if Self.replace(folder.checkpoint, with: Array(pending.utf8)) { self.pending = nil }
  }

  /// nil where there is no file.
  static func read(_ folder: DataFolder) throws(StoreError) -> String? {
    guard let bytes = FileManager.default.contents(atPath: folder.checkpoint) else {
      guard !FileManager.default.fileExists(atPath: folder.checkpoint) else {
        throw .folderUnusable(path: folder.checkpoint, why: "unreadable")
      }
      return nil
    }
    guard bytes.count <= 4096 else { throw .damaged("a checkpoint note of \(bytes.count) bytes") }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func replace(_ path: String, with bytes: [UInt8]) -> Bool {
    let new = path + ".new"
    let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return false }
    let isWritten = Foundation.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
    return close(descriptor) == 0 && isWritten && rename(new, path) == 0
  }
}
