import Foundation
import Ledger
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@Suite struct OpeningTests {
  @Test func `a second holder of the folder is refused and told who holds it`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    #expect(throws: StoreError.folderInUse(path: test.folder.path, holder: getpid())) { try test.open() }
    await test.close(store)
    let next = try test.open()
    await next.close()
  }

  @Test func `init on a folder that holds an instance is refused, and opening one that holds none`() async throws {
    let test = try TestFolder()
    #expect(throws: StoreError.folderUnusable(path: test.folder.path, why: "no muster.db")) { try test.open() }
    let store = try test.create()
    await test.close(store)
    #expect(throws: StoreError.alreadyThere(path: test.folder.path)) { try test.create() }
  }

  @Test func `a database from a newer muster is refused and not touched`() async throws {
    let test = try TestFolder()
    await (try test.create()).close()
    try test.tamper("PRAGMA user_version = 99")
    #expect(throws: StoreError.newerSchema(found: 99, known: 13)) { try test.open() }
    #expect(try test.number("PRAGMA user_version") == 99)
  }

  @Test func `a database of something else is refused`() async throws {
    let test = try TestFolder()
    try test.tamper("CREATE TABLE other(id)")
    #expect(throws: StoreError.foreignDatabase(path: test.folder.database)) { try test.open() }
    try Data("no database at all, but long enough to have a header".utf8)
      .write(to: URL(fileURLWithPath: test.folder.database))
    #expect(throws: StoreError.foreignDatabase(path: test.folder.database)) { try test.open() }
  }

  @Test func `event kinds that are not known here are refused by name`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    await test.close(store)
    try test.tamper("INSERT INTO event_kind VALUES ('device-teleported', 1)")
    #expect(throws: StoreError.unknownKinds(["device-teleported"])) { try test.open() }
  }

  @Test func `a store goes on where it ended, past full tiles of two levels`() async throws {
    let test = try TestFolder()
    var store = try test.create()
    var size: UInt64 = 0
    for count in [1, 254, 1, 1, 300, 65_300] {
      let units = try (0..<count).map { _ in UnitOfWork(events: [try Units.event(ServiceStarted(version: "1"))]) }
      for outcome in await store.commit(units) {
        #expect(try outcome.get() == .committed(LedgerPosition(first: size, count: 1)))
        size += 1
      }
      await test.close(store)
      store = try test.open()
    }
    await test.close(store)
    #expect(try test.number("SELECT count(*) FROM tile") == Int64(size >> 8) + Int64(size >> 16))
  }

  @Test func `a ledger that is shorter than noted is refused`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    await test.close(store)
    let old = try test.copy(noted: false)
    let reopened = try test.open()
    _ = try await reopened.commit(Units.group(Units.name("late")))
    await reopened.close()
    try FileManager.default.copyItem(atPath: test.folder.checkpoint, toPath: old.folder.checkpoint)
    #expect(throws: StoreError.shorterThanNoted(size: 2, noted: 3)) { try old.open() }
  }

  @Test func `a ledger that is another than noted is refused, though it is longer`() async throws {
    let test = try TestFolder()
    let other = try TestFolder(signer: test.signer)
    for (folder, count) in [(test, 1), (other, 2)] {
      let store = try folder.create()
      for number in 0..<count { _ = try await store.commit(Units.group(Units.name("g\(number)"))) }
      await test.close(store)
    }
    try FileManager.default.removeItem(atPath: other.folder.checkpoint)
    try FileManager.default.copyItem(atPath: test.folder.checkpoint, toPath: other.folder.checkpoint)
    #expect(throws: StoreError.otherThanNoted(size: 1)) { try other.open() }
  }

  @Test(arguments: [
    "UPDATE event SET bytes = CAST(replace(CAST(bytes AS TEXT), 'muster.test', 'muster.best') AS BLOB) WHERE position = 0",
    "DELETE FROM event WHERE position = 1", "DELETE FROM event WHERE position = 0",
    "INSERT INTO event SELECT 3, bytes FROM event WHERE position = 0", "DELETE FROM checkpoint",
    "UPDATE checkpoint SET note = CAST(replace(CAST(note AS TEXT), 'test/0', 'test/1') AS BLOB)",
  ]) func `events that are not those of their checkpoint are refused`(_ change: String) async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    _ = try await store.commit(Units.group(Units.name("g")))
    await test.close(store)
    try test.tamper(change)
    let error = #expect(throws: StoreError.self) { try test.open() }
    guard case .damaged = error else {
      Issue.record("expected damaged, found \(String(describing: error))")
      return
    }
  }

  @Test func `another instance's ledger key does not open the folder`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    await test.close(store)
    #expect(throws: StoreError.self) { try FolderStore(test.folder, .existing, signer: TestFolder.newSigner()) }
  }

  @Test func `a closed store refuses`() async throws {
    let test = try TestFolder()
    let store = try test.create()
    await test.close(store)
    await #expect(throws: StoreError.stopped) { try await store.commit(Units.group(Units.name("g"))) }
    await #expect(throws: StoreError.stopped) { try await store.read { try $0.version(of: .policies) } }
  }
}
