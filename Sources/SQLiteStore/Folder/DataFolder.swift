import Foundation

/// Where an instance's folder holds what.
public struct DataFolder: Hashable, Sendable {
  public let path: String

  public init(_ path: String) { self.path = path }

  public var database: String { path + "/muster.db" }
  public var lock: String { path + "/lock" }
  /// The note of the last checkpoint, outside the database.
  public var checkpoint: String { path + "/checkpoint" }

  /// Makes an empty database that its owner alone may read: it holds what people are called, and sealed keys. SQLite
  /// gives its log the same mode.
  func createDatabase() throws(StoreError) {
    let descriptor = open(database, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .folderUnusable(path: path, why: String(cString: strerror(errno))) }
    close(descriptor)
  }
}
