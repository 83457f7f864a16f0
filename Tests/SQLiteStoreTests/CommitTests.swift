import CertificateAuthority
import DeviceRegistry
import Ledger
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@Suite struct CommitTests {
  /// The same names asked for without a claim: the database's indexes stand behind.
  @Test(arguments: HeldName.all) func `a unit that forgot its claims is refused alone by the database`(
    _ claim: HeldName
  ) async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    var first = try claim.first()
    var second = try claim.second()
    first.claims = []
    second.claims = []
    let neighbour = try Units.group(Units.name("neighbour"))
    let outcomes = await store.commit([first, second, neighbour])
    let count = UInt64(first.events.count)
    #expect(try outcomes[0].get() == .committed(LedgerPosition(first: 2, count: first.events.count)))
    guard case .failure(.conflict) = outcomes[1] else {
      Issue.record("expected a conflict, found \(outcomes[1])")
      return
    }
    #expect(try outcomes[2].get() == .committed(LedgerPosition(first: 2 + count, count: 1)))
    await test.close(store)
    #expect(try LedgerReplay.check(test.folder).differences == [])
    let reopened = try test.open()
    await reopened.close()
  }
}
