import DeviceRegistry
import Enrollment
import Foundation
import Manifests
import MusterModel

/// What became of the rows of a run.
struct RunCounts: Sendable, Equatable {
  var made = 0
  /// Made by a run before.
  var already = 0
  var refused = 0

  var all: Int { made + already + refused }
}

/// A run's own state, one step at a time: the manifest as far as it is read, the journal, the folders, the refused rows.
actor StationRows {
  private static let chunk = 128

  private let files: StationFiles
  private var manifest: ManifestFile?
  private var journal: StationJournal
  private let store: any DeviceStore
  private var refusedRows: RefusedFile
  private var waiting: [ManifestRow] = []
  private var number: UInt64 = 0
  private(set) var counts = RunCounts()

  nonisolated let order: RecordName
  nonisolated let batch: RecordID

  /// Without a manifest, boards are given one by one.
  init(
    _ files: StationFiles, _ manifest: ManifestFile?, order: OrderSummary, credentials: DeviceCredentials
  ) throws {
    self.manifest = manifest
    self.files = files
    let made = try MadeList(files)
    store = try files.store(made)
    journal = try StationJournal(files, order: order, credentials: credentials) { try made.contains($0) }
    refusedRows = try RefusedFile(files)
    (self.order, batch) = (order.name, journal.batch)
  }

  /// How much of the manifest is read, from 0 to 1.
  var progress: Double { manifest?.progress ?? 1 }

  /// The next boards to be made, their keys and requests on disk; nil at the manifest's end.
  func next() async throws -> [PendingBoard]? {
    while true {
      var rows: [(number: UInt64, row: ManifestRow)] = []
      while rows.count < StationRows.chunk, let row = try nextRow() {
        switch try store.standing(of: row) {
        case .made: counts.already += 1
        case .otherHardware:
          try refuse(
            row.cells, "folder-taken", "expected no folder of \(row.deviceID), found one of other hardware")
        case .absent:
          number += 1
          rows.append((number, row))
        }
      }
      if !rows.isEmpty { return try await boards(rows) }
      if manifest?.isAtEnd ?? true, waiting.isEmpty { return nil }
    }
  }

  /// Keys are made on all cores, the journal is synced once for all.
  private func boards(_ rows: [(number: UInt64, row: ManifestRow)]) async throws -> [PendingBoard] {
    let lacking = rows.map(\.row).filter(journal.lacksKey).map(\.deviceID)
    let credentials = journal.credentials
    let new = try await beside(lacking) { try KeyedRequest(for: $0, credentials) }
    return try journal.boards(rows, new: new)
  }

  enum Single {
    case made
    case otherHardware
    case board(PendingBoard)
  }

  /// How many keys of boards that came one by one lie in the journal at most: such a run may go on for weeks.
  private static let kept = 64

  /// One board, its key and request on disk. Those before it are settled.
  func single(_ hardware: HardwareID, _ deviceID: DeviceID) async throws -> Single {
    let row = ManifestRow(hardware: hardware, deviceID: deviceID)
    switch try store.standing(of: row) {
    case .made: return .made
    case .otherHardware: return .otherHardware
    case .absent:
      number += 1
      if journal.written >= StationRows.kept { try journal.finish() }
      return .board(try await boards([(number, row)])[0])
    }
  }

  /// Beside the reading of further rows: what is written is not the actor's.
  nonisolated func made(_ devices: [ProvedDevice], _ facts: RunFacts) async throws {
    guard !devices.isEmpty else { return }
    try await store.write(try await beside(devices) { try DevicePackage($0, facts) })
    await count(made: devices.count)
  }

  private func count(made: Int) { counts.made += made }

  func refuse(_ cells: ManifestCells, _ code: String, _ reason: String) throws {
    try refusedRows.add(cells, code: code, reason: reason)
    counts.refused += 1
  }

  /// The run is over: the refused rows stand in their file, the keys in their folders alone.
  func finish() throws -> RunCounts {
    try store.finish()
    try refusedRows.finish()
    try journal.finish()
    return counts
  }

  private func nextRow() throws -> ManifestRow? {
    while waiting.isEmpty, let lines = try manifest?.next() {
      for line in lines {
        switch line {
        case .row(let row): waiting.append(row)
        case .fault(let fault): try refuse(fault.cells, fault.code, "line \(fault.line): \(fault.reason)")
        }
      }
      waiting.reverse()
    }
    return waiting.popLast()
  }
}

/// `refused.csv`: written beside, and put in its place once the run is over. Where nothing was refused there is none.
struct RefusedFile {
  private let files: StationFiles
  private let file: AppendFile
  private var isEmpty = true

  init(_ files: StationFiles) throws {
    self.files = files
    file = try AppendFile(files.refused + ".new")
    try file.clear()
    try file.append(Array(RefusedRows.header.utf8))
  }

  mutating func add(_ cells: ManifestCells, code: String, reason: String) throws {
    isEmpty = false
    try file.append(Array(RefusedRows.line(cells, code: code, reason: reason).utf8))
  }

  func finish() throws {
    if isEmpty {
      unlink(files.refused)
      unlink(file.path)
      return
    }
    try file.sync()
    guard rename(file.path, files.refused) == 0 else {
      throw CommandFailure("expected to write \(files.refused), found: \(systemError())")
    }
    try syncFolder(files.out)
  }
}
