import Foundation
import Ledger
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@Suite struct CrashTests {
  /// WAL frames are a header of 24 bytes and a page, after a file header of 32 (sqlite.org/walformat.html).
  static let frame = 24 + 4096

  /// A crash leaves some prefix of the write-ahead log: whole groups of it are there, and nothing in between.
  @Test(arguments: [1, 2] as [UInt64])
  func `any prefix of the log opens to what was committed, or is refused as shorter than noted`(
    _ seed: UInt64
  ) async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    await store.close()
    let running = try test.open()
    var history = History(seed: seed)
    var random = SeededGenerator(seed: seed)
    /// Each size the ledger ever had at a commit, and how long the log was then.
    var commits: [(size: UInt64, log: Int)] = [(2, test.logLength)]
    for _ in 0..<12 {
      var units: [UnitOfWork] = []
      for _ in 0..<3 { units.append(try history.next()) }
      let added = await running.commit(units).reduce(0) { $0 + ((try? $1.get().count) ?? 0) }
      // After an erasure the log is emptied, but not before the answer: the next answer comes once that is done.
      _ = await running.commit([])
      commits.append((commits[commits.count - 1].size + UInt64(added), test.logLength))
    }
    let length = test.logLength
    var cuts = Array(stride(from: 32, through: length, by: Self.frame))
    for _ in 0..<40 { cuts.append(.random(in: 0...length, using: &random)) }
    for cut in cuts {
      let copy = try test.copy(log: cut, noted: false)
      let expected = commits.last { $0.log <= cut }?.size ?? 2
      let opened = try copy.open()
      let position = try await opened.commit(Units.group(Units.name("after-\(cut)")))
      #expect(position == .committed(LedgerPosition(first: expected, count: 1)), "cut at \(cut)")
      await opened.close()
      #expect(try LedgerReplay.check(copy.folder).differences == [], "cut at \(cut)")
    }
    await running.close()
  }

  @Test func `a log that lost a noted commit is refused, and one that lost nothing opens`() async throws {
    let test = try TestFolder()
    await (try test.create()).close()
    let store = try test.open()
    _ = try await store.commit(Units.instance())
    let first = test.logLength
    _ = try await store.commit(Units.group(Units.name("last")))
    let running = try test.copy(noted: false)
    await store.close()
    try FileManager.default.copyItem(atPath: test.folder.checkpoint, toPath: running.folder.checkpoint)
    for cut in [0, 32, first, running.logLength - 1] {
      let copy = try running.copy(log: cut)
      #expect(throws: StoreError.shorterThanNoted(size: cut < first ? 0 : 2, noted: 3)) { try copy.open() }
    }
    let whole = try running.copy()
    await (try whole.open()).close()
  }
}

extension CommitOutcome {
  /// How many events it added.
  var count: Int {
    if case .committed(let position) = self { position.count } else { 0 }
  }
}
