import Crypto
import Ledger
import MusterModel
import MusterTesting
import Testing

@testable import HubAccess

/// A receipt is kept where it is its hub's and agrees with the ledger.
@Suite struct ReceiptsTests {
  private let world: HubWorld
  private let key = P256.Signing.PrivateKey()
  private let root = MusterModel.Digest.sha256([7])
  private let ledger = "plant.example/muster/k7"

  init() throws {
    world = try HubWorld()
    world.change { $0.places = [LedgerPlace(size: 7, root: .sha256([7])), LedgerPlace(size: 9, root: .sha256([9]))] }
  }

  private func give(
    hub: RecordID? = nil, size: UInt64 = 7, root: MusterModel.Digest? = nil, at time: Timestamp = now,
    by key: P256.Signing.PrivateKey? = nil, from sender: RecordID? = nil
  ) async throws -> String? {
    let receipt = Receipt(hub: hub ?? world.hub, size: size, root: root ?? self.root, at: time)
    let signed = try receipt.signed(ledger: ledger, by: key ?? self.key)
    return try await Receipts(world, store: world, clock: world.clock, ledger: ledger).take(
      receipt, signature: signed.signature, publicKey: [UInt8](self.key.publicKey.derRepresentation),
      from: world.credential(sender)
    )?.code
  }

  @Test func `a good receipt is an event that anyone can check`() async throws {
    #expect(try await give() == nil)
    let event = try #require(world.current.committed.first)
    let body = try #require(event.body as? ReceiptGiven)
    #expect(body.hub == world.hub && body.size == 7 && body.root == root && event.by.record == world.hub)
    #expect(body.signed?.isValid(ledger: ledger) == true)
  }

  @Test func `another hub's receipt is refused, whoever signed it`() async throws {
    #expect(try await give(from: world.other) == "receipt-other-hub")
    #expect(try await give(hub: world.other) == "receipt-other-hub")
    #expect(world.current.committed.isEmpty)
  }

  @Test func `a receipt that the hub's key did not sign is refused`() async throws {
    #expect(try await give(by: P256.Signing.PrivateKey()) == "receipt-forged")
    #expect(world.current.committed.isEmpty)
  }

  @Test func `a receipt for another ledger than this is refused`() async throws {
    #expect(try await give(root: .sha256([8])) == "ledger-rolled-back")
    #expect(try await give(size: 8) == "ledger-rolled-back")
    #expect(world.current.committed.isEmpty)
  }

  @Test func `a receipt from the future is refused`() async throws {
    #expect(try await give(at: now + .seconds(300)) == "receipt-time")
    #expect(try await give(at: now + .seconds(299)) == nil)
  }

  @Test func `a receipt that says no more than the last one is no event`() async throws {
    world.change { $0.enforced[world.hub] = 9 }
    #expect(try await give() == nil)
    #expect(world.current.committed.isEmpty)
    world.change { $0.enforced[world.hub] = 7 }
    #expect(try await give(size: 9, root: .sha256([9])) == nil)
    #expect(world.current.committed.count == 1)
  }

  @Test func `a hub that is removed while it speaks is not heard`() async throws {
    world.change { $0.refuses = true }
    #expect(try await give() == "hub-removed")
  }
}
