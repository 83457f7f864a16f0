import CertificateAuthority
import Crypto
import Foundation
import Ledger
import MusterModel
import MusterTesting
import Testing

@testable import HubAccess

/// A ledger in memory, with a feed over it for one hub, and the follower's crashes told by a seed.
private struct FeedWorld {
  private(set) var tree = MerkleTree()
  private var tiles: [TileCoordinate: [MusterModel.Digest]] = [:]
  private(set) var changes: [HubChange] = []
  private var random: SeededGenerator
  let signer: CheckpointSigner
  /// So small that pages end short of the checkpoint.
  let pageLimit = 3

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    let origin = try #require(LedgerOrigin("plant.example/muster/k7/0"))
    signer = CheckpointSigner(origin: origin, key: .init())
  }

  var reader: TreeReader { TreeReader(tree: tree) { [tiles] in tiles[$0] ?? [] } }

  /// One event: one in three is about the hub's devices.
  mutating func happen() throws {
    let position = tree.size
    let full = tree.append(MerkleHash.leaf(Array("event \(position) \(random.next())".utf8)))
    for tile in full { tiles[tile.coordinate] = tile.hashes }
    guard Int.random(in: 0..<3, using: &random) == 0 else { return }
    let number = Int.random(in: 0..<4, using: &random)
    let kind = try #require(HubChange.Kind.allCases.randomElement(using: &random))
    changes.append(try change(kind, device: number, at: position))
  }

  func change(_ kind: HubChange.Kind, device number: Int, at position: UInt64) throws -> HubChange {
    let subject = HubChange.Subject(
      position: position, at: time, device: record(number), deviceID: DeviceID("dev-\(number)"))
    var change = HubChange(kind, subject)
    if kind == .revoked || kind == .released {
      (change.serial, change.issuerKeyID) = ("0\(number)", "aa")
      change.fingerprint = Digest.sha256([UInt8(number)]).hex
    }
    return change
  }

  /// As the service answers.
  func page(after place: LedgerPlace) throws -> FeedPage {
    let found = changes.filter { $0.position >= place.size }
    let shown = Array(found.prefix(pageLimit))
    let end = found.count > pageLimit ? shown[pageLimit - 1].position + 1 : tree.size
    return FeedPage(
      place: LedgerPlace(size: end, root: try reader.root(at: end)), changes: shown,
      continuation: try reader.consistencyProof(from: place.size, to: end),
      toCheckpoint: try reader.consistencyProof(from: end, to: tree.size), checkpoint: try signer.sign(tree).note)
  }

  var place: LedgerPlace { LedgerPlace(size: tree.size, root: tree.root) }
}

private let time = Timestamp(milliseconds: 1_750_000_000_000)

private func record(_ number: Int) -> RecordID {
  var bytes = UUIDv7(at: time).bytes.prefix(8) + [0x80, 0, 0, 0, 0, 0, 0, UInt8(number)]
  bytes[6] = 0x70
  return UUIDv7(bytes: Array(bytes)).map { RecordID(.device, $0) } ?? RecordID(.device, UUIDv7(at: time))
}

@Suite struct FollowerTests {
  /// What is on disk lives; all else dies with the process. A crash comes before acting, between acting and keeping, and
  /// between keeping and the receipt; the service grows meanwhile.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func `whatever dies when, each change is acted on in order, none is left out, and none is promised before`(
    seed: UInt64
  ) throws {
    var world = try FeedWorld(seed: seed)
    var random = SeededGenerator(seed: seed ^ 0xfeed)
    for _ in 0..<Int.random(in: 1..<20, using: &random) { try world.happen() }
    let start = world.place
    let verifier = world.signer.verifier
    var disk: FollowerState?
    var acted: [UInt64] = []
    var promised: UInt64 = 0
    for _ in 0..<25 {
      var follower = Follower(disk)
      life: while true {
        for _ in 0..<Int.random(in: 0..<4, using: &random) { try world.happen() }
        let dies = Int.random(in: 0..<8, using: &random)
        switch follower.next {
        case .takeSnapshot:
          let plan = try follower.plan(
            [], at: start, note: try world.signer.sign(size: start.size, root: try digest(start.root)).note, verifier
          ).get()
          if dies == 0 { break life }
          disk = plan.state
          follower.did(plan)
        case .poll(let place):
          let plan = try follower.plan(try world.page(after: place), verifier).get()
          if dies == 0 { break life }
          acted += plan.changes.map(\.position)
          if dies == 1 { break life }
          disk = plan.state
          follower.did(plan)
        case .sendReceipt(let place):
          #expect(place.size <= disk?.place.size ?? 0, "a receipt for what is not on disk")
          let done = Set(acted)
          #expect(
            world.changes.filter { $0.position >= start.size && $0.position < place.size }
              .allSatisfy { done.contains($0.position) })
          promised = max(promised, place.size)
          if dies == 2 { break life }
          follower.receiptTaken()
        }
        if dies == 3 { break }
      }
    }
    let state = try #require(disk)
    let known = world.changes.map(\.position).filter { $0 >= start.size && $0 < state.place.size }
    // What was acted on twice was acted on again from an earlier place: taken once each, it is the feed.
    var once: [UInt64] = []
    for position in acted where once.last.map({ position > $0 }) ?? true { once.append(position) }
    #expect(Array(once.prefix(known.count)) == known)
    #expect(promised <= state.place.size)
    var expected = FollowerState(place: state.place)
    for change in world.changes where known.contains(change.position) { expected.take(change) }
    #expect(state.denied == expected.denied && state.revoked == expected.revoked)
  }

  @Test func `a page without changes calls for no receipt`() throws {
    var world = try FeedWorld(seed: 1)
    try world.happen()
    let start = world.place
    let first = Follower(nil)
    let begun = try first.plan([], at: start, note: try world.signer.sign(world.tree).note, world.signer.verifier).get()
    var follower = first
    follower.did(begun)
    #expect(follower.next == .sendReceipt(start))
    follower.receiptTaken()
    let empty = FeedPage(
      place: start, changes: [], continuation: try proof(world, start.size, start.size),
      toCheckpoint: try proof(world, start.size, start.size), checkpoint: try world.signer.sign(world.tree).note)
    follower.did(try follower.plan(empty, world.signer.verifier).get())
    #expect(follower.next == .poll(start))
  }

  @Test func `a page that does not prove that it continues is not believed`() throws {
    var world = try FeedWorld(seed: 2)
    for _ in 0..<40 { try world.happen() }
    let start = world.place
    var follower = Follower(nil)
    follower.did(
      try follower.plan([], at: start, note: try world.signer.sign(world.tree).note, world.signer.verifier).get())
    for _ in 0..<10 { try world.happen() }
    let page = try world.page(after: start)
    let other = try FeedWorld(seed: 3)
    func refusal(_ page: FeedPage, _ verifier: CheckpointVerifier) -> String? {
      if case .failure(let refusal) = follower.plan(page, verifier) { return refusal.code }
      return nil
    }
    #expect(refusal(page, world.signer.verifier) == nil)
    #expect(
      refusal(page, other.signer.verifier) == "checkpoint-forged"
        || refusal(page, other.signer.verifier) == "checkpoint-not-signed")
    let cut = ConsistencyProof(
      old: page.continuation.old, new: page.continuation.new, hashes: Array(page.continuation.path.dropLast()))
    let cases: [FeedPage] = [
      FeedPage(
        place: page.place, changes: page.changes, continuation: try #require(cut), toCheckpoint: page.toCheckpoint,
        checkpoint: page.checkpoint),
      FeedPage(
        place: LedgerPlace(size: page.place.size, root: .sha256([])), changes: page.changes,
        continuation: page.continuation, toCheckpoint: page.toCheckpoint, checkpoint: page.checkpoint),
      FeedPage(
        place: start, changes: [], continuation: page.continuation, toCheckpoint: page.toCheckpoint,
        checkpoint: page.checkpoint),
    ]
    for forged in cases { #expect(refusal(forged, world.signer.verifier) == "ledger-not-continued") }
  }

  @Test func `changes out of their order, or from elsewhere, are not believed`() throws {
    var world = try FeedWorld(seed: 4)
    try world.happen()
    let start = world.place
    var follower = Follower(nil)
    follower.did(
      try follower.plan([], at: start, note: try world.signer.sign(world.tree).note, world.signer.verifier).get())
    for _ in 0..<5 { try world.happen() }
    let reader = world.reader
    let size = world.tree.size
    func page(_ positions: [UInt64]) throws -> FeedPage {
      FeedPage(
        place: world.place, changes: try positions.map { try world.change(.disabled, device: 1, at: $0) },
        continuation: try reader.consistencyProof(from: start.size, to: size),
        toCheckpoint: try reader.consistencyProof(from: size, to: size),
        checkpoint: try world.signer.sign(world.tree).note)
    }
    for positions in [[3, 2], [2, 2], [0], [size]] as [[UInt64]] {
      guard case .failure(.outOfOrder) = follower.plan(try page(positions), world.signer.verifier) else {
        Issue.record("\(positions) were believed")
        continue
      }
    }
    #expect(throws: Never.self) { try follower.plan(try page([2, 3]), world.signer.verifier).get() }
  }

  @Test func `a snapshot shuts out what is shut out, and lets in again what no longer is`() throws {
    var world = try FeedWorld(seed: 5)
    try world.happen()
    let note = try world.signer.sign(world.tree).note
    func device(_ number: Int, isEnabled: Bool, reason: RevocationReason?) -> HubDevice {
      HubDevice(
        device: record(number), deviceID: DeviceID("dev-\(number)")!, state: isEnabled ? .enabled : .disabled,
        isBlocked: false, generation: 1,
        certificates: [
          .init(
            serial: "0\(number)", fingerprint: .sha256([UInt8(number)]), issuerKeyID: "aa", notBefore: time,
            notAfter: time + .seconds(60), reason: reason)
        ], keys: [])
    }
    var follower = Follower(nil)
    let first = try follower.plan(
      [device(1, isEnabled: false, reason: nil), device(2, isEnabled: true, reason: .keyCompromise)], at: world.place,
      note: note, world.signer.verifier
    ).get()
    #expect(first.changes.map(\.change) == [.disabled, .revoked])
    follower.did(first)
    let second = try follower.plan(
      [device(1, isEnabled: true, reason: nil), device(2, isEnabled: true, reason: .keyCompromise)], at: world.place,
      note: note, world.signer.verifier
    ).get()
    #expect(second.changes.map(\.change) == [.enabled])
  }

  @Test func `the state reads as it was written`() throws {
    var state = FollowerState(place: LedgerPlace(size: 7, root: .sha256([1])))
    state.take(try FeedWorld(seed: 6).change(.disabled, device: 1, at: 3))
    state.take(try FeedWorld(seed: 6).change(.revoked, device: 2, at: 4))
    state.owed = state.place
    #expect(try JSONDecoder().decode(FollowerState.self, from: JSONEncoder().encode(state)) == state)
  }

  private func digest(_ hex: String) throws -> MusterModel.Digest { try #require(Digest(hex: hex)) }

  private func proof(_ world: FeedWorld, _ old: UInt64, _ new: UInt64) throws -> ConsistencyProof {
    try world.reader.consistencyProof(from: old, to: new)
  }
}
