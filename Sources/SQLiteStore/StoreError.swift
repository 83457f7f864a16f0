import GRDBSQLite
public import MusterModel

/// Why the store did not do what it was asked. The first group is for the operator to act on; the others are ours.
public enum StoreError: Error, Hashable, Sendable {
  /// Another process holds the folder's lock.
  case folderInUse(path: String, holder: Int32?)
  case folderUnusable(path: String, why: String)
  /// `init` on a folder that holds an instance.
  case alreadyThere(path: String)
  /// The file is no database of Muster.
  case foreignDatabase(path: String)
  /// The database was written by a newer Muster.
  case newerSchema(found: Int, known: Int)
  /// The ledger verifies, but its meaning is not known here: it is not served.
  case unknownKinds([String])
  /// Something that was committed is gone.
  case shorterThanNoted(size: UInt64, noted: UInt64)
  /// The ledger is not the one whose checkpoint was noted.
  case otherThanNoted(size: UInt64)
  /// What is stored contradicts itself.
  case damaged(String)
  /// The connection is not as durable as a committed answer promises.
  case notDurable(String)

  /// SQLite refused; the unit of work was not committed. The code is SQLite's extended result code.
  case database(code: Int32, message: String)
  /// The unit of work contradicts the views: a claim or a read was left out. It alone was not committed.
  case conflict(String)
  /// What the disk holds is not certain, after a commit or behind one: nothing is committed any more until the process
  /// starts again.
  case stopped
  /// More waits than may; the unit was not looked at.
  case overloaded
}

extension StoreError {
  /// A stable name for logs and answers.
  public var code: String {
    switch self {
    case .folderInUse: "folder-in-use"
    case .folderUnusable: "folder-unusable"
    case .alreadyThere: "instance-exists"
    case .foreignDatabase: "foreign-database"
    case .newerSchema: "newer-schema"
    case .unknownKinds: "unknown-event-kinds"
    case .shorterThanNoted: "ledger-shorter-than-noted"
    case .otherThanNoted: "ledger-other-than-noted"
    case .damaged: "store-damaged"
    case .notDurable: "store-not-durable"
    case .database: "store-failed"
    case .conflict: "store-conflict"
    case .stopped: "store-stopped"
    case .overloaded: "store-overloaded"
    }
  }
}

extension StoreError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .folderInUse(let path, let holder):
      "expected to be alone on \(path), found it in use by " + (holder.map { "process \($0)" } ?? "another process")
    case .folderUnusable(let path, let why): "expected a usable data folder at \(path), found: \(why)"
    case .alreadyThere(let path): "expected a folder without an instance, found one at \(path)"
    case .foreignDatabase(let path): "expected a database of muster, found another kind of file at \(path)"
    case .newerSchema(let found, let known):
      "expected a database of schema \(known) or older, found \(found): it was written by a newer muster"
    case .unknownKinds(let kinds):
      "expected event kinds that this muster knows, found \(printable(kinds.joined(separator: ", "), upTo: 400)): use a newer muster"
    case .shorterThanNoted(let size, let noted):
      "expected a ledger of at least \(noted) events as last noted, found \(size): committed events are missing"
    case .otherThanNoted(let size): "expected the ledger whose checkpoint at \(size) was noted, found another"
    case .damaged(let what): "expected a sound store, found \(what)"
    case .notDurable(let what): "expected a durable connection, found \(what)"
    case .database(let code, let message): "expected sqlite to do it, found \(message) (\(code))"
    case .conflict(let what): "expected a unit of work that agrees with the views, found \(what)"
    case .stopped: StoreOutage.stopped.description
    case .overloaded: StoreOutage.overloaded.description
    }
  }
}

extension StoreError: StoreFailure {
  /// SQLite says that the disk is full before the commit's last page is written: nothing of it is there.
  public var outage: StoreOutage? {
    switch self {
    case .overloaded: .overloaded
    case .stopped: .stopped
    case .database(let code, _) where code & 0xff == SQLITE_FULL: .full
    default: nil
    }
  }
}
