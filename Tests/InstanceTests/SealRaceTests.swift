import CertificateAuthority
import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Synchronization
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"

/// Seals the vault between the signature and the commit of the first certificate that passes.
private final class SealingStore: StoreDouble {
  private let store: any Store
  private let seal: @Sendable () async throws -> Void
  private let hasSealed = Mutex(false)

  init(_ store: any Store, seal: @escaping @Sendable () async throws -> Void) {
    self.store = store
    self.seal = seal
  }

  func commit(_ unit: UnitOfWork) async throws -> CommitOutcome {
    let isFirst =
      unit.events.contains { $0.body is CertificateIssued }
      && hasSealed.withLock { sealed in
        defer { sealed = true }
        return !sealed
      }
    if isFirst { try await seal() }
    return try await store.commit(unit)
  }
}

@Suite struct SealRaceTests {
  @Test func `what was signed before a seal is not committed after it`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      let first = try await test.enroll("pump-7", code, PeerKey()).get()
      let vault = test.opened.vault
      let instance = test.opened.instance(
        committingTo: SealingStore(test.opened.store) { _ = try await vault.seal(by: administrator).get() })
      let renewed = try await DeviceRenewal(instance).renew(
        leaf: first.chain[0], csr: PeerKey().request(commonName: "pump-7"), source: "192.0.2.7")
      #expect(renewed.refusalCode == "vault-sealed")
      #expect(try await test.lastKinds(2) == ["vault-sealed", "request-refused"])
      try test.expectWholeLedger()
    }
  }

  @Test func `an operator is not certified by a vault that was sealed meanwhile`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let vault = test.opened.vault
      let instance = test.opened.instance(
        committingTo: SealingStore(test.opened.store) { _ = try await vault.seal(by: administrator).get() })
      let input = OperatorInput(name: "anna", role: "auditor", groups: [], csr: "")
      let added = try await Administration(instance).addOperator(
        input, csr: try PeerKey().request(commonName: "anna"), by: administrator)
      #expect(added.refusalCode == "vault-sealed")
      #expect(
        !(try await test.instance.listings.operators(#require(PageRequest())).rows.contains { $0.name.text == "anna" }))
    }
  }
}

extension TestInstance {
  /// The bytes of each file of its folder.
  func files() throws -> [Data] {
    let names = try #require(FileManager.default.enumerator(atPath: path)?.allObjects as? [String])
    return names.compactMap { try? Data(contentsOf: URL(filePath: path).appending(path: $0)) }
  }

  /// The kinds of the ledger's last events.
  func lastKinds(_ count: UInt64) async throws -> [String] {
    var kinds: [String] = []
    let size = try await size()
    for position in (size - count)..<size {
      kinds.append(try EventEnvelope(try #require(try await instance.ledger.event(at: position))).kind)
    }
    return kinds
  }
}
