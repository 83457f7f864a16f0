import Enrollment
import Ledger
import MusterModel
import MusterTesting
import Publication
import SQLiteStore
import Testing

/// The store of a folder does what its seams ask, and its views follow from what was committed.
@Suite struct ConformanceTests {
  @Test(arguments: StoreConformance.order + StoreConformance.names)
  func `a folder's store is a Store`(_ requirement: Requirement<any Store>) async throws {
    try await withStore { store, _ in try await requirement.check(store) }
  }

  @Test(arguments: RevocationReaderConformance.all)
  func `a folder's store is a RevocationReader`(
    _ requirement: Requirement<RevocationReaderConformance.Subject>
  ) async throws {
    try await withStore { store, _ in try await requirement.check(store) }
  }

  @Test(arguments: LedgerReaderConformance.all)
  func `a folder's store is a LedgerReader`(_ requirement: Requirement<LedgerReaderConformance.Subject>) async throws {
    try await withStore { store, test in
      try await requirement.check(.init(store: store, verifier: test.signer.verifier))
    }
  }

  private func withStore(_ body: (FolderStore, TestFolder) async throws -> Void) async throws {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    do {
      try await body(store, test)
    } catch {
      await store.close()
      throw error
    }
    await store.close()
    #expect(try LedgerReplay.check(test.folder).differences == [])
  }
}
