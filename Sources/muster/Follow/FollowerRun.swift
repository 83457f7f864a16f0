import Foundation
import HubAccess
import Ledger
import MusterModel

/// Runs the follower's machine against a service: asks, acts, keeps, and only then goes on.
struct FollowerRun {
  let client: HubClient
  let disk: FollowerDisk
  let identity: HubIdentity
  let enforcement: HubEnforcement
  private var verifier: CheckpointVerifier?
  private var follower: Follower
  private var pause = Duration.zero

  private static let longestPause = Duration.seconds(5)

  init(
    client: HubClient, disk: FollowerDisk, identity: HubIdentity, enforcement: HubEnforcement, key: String?
  ) throws {
    self.client = client
    self.disk = disk
    self.identity = identity
    self.enforcement = enforcement
    verifier = try key.map { try CheckpointVerifier(key: $0) }
    follower = Follower(try disk.state())
  }

  /// Until a time; throws what no repetition helps: a ledger that was rolled back, a proof that does not hold, a refusal.
  mutating func run(until end: Timestamp) async throws {
    while SystemClock().now() < end {
      do {
        try await step()
        pause = .zero
      } catch let failure as CommandFailure where failure.isPassing {
        pause = min(max(pause * 2, .milliseconds(100)), FollowerRun.longestPause)
        standardError("muster: \(failure.description); again in \(pause)")
        try await Task.sleep(for: pause)
      }
    }
  }

  /// One step of the machine.
  mutating func step() async throws {
    switch follower.next {
    case .takeSnapshot: try await carryOut(try await snapshot())
    case .poll(let place):
      let page = try await client.page(after: place)
      try await carryOut(try believed(follower.plan(page, try verifier.required())))
    case .sendReceipt(let place): try await sendReceipt(place)
    }
  }

  private mutating func snapshot() async throws -> Follower.Plan {
    let (head, devices) = try await client.snapshot()
    if verifier == nil {
      verifier = try CheckpointVerifier(key: head.key)
      try disk.keep(key: head.key)
    }
    return try believed(follower.plan(devices, at: head.place, note: head.checkpoint, try verifier.required()))
  }

  private mutating func carryOut(_ plan: Follower.Plan) async throws {
    try await enforcement.enforce(plan.changes)
    try disk.keep(plan.state)
    follower.did(plan)
  }

  private mutating func sendReceipt(_ place: LedgerPlace) async throws {
    guard let root = Digest(hex: place.root) else { throw CommandFailure("expected a root in \(disk.path)") }
    let receipt = Receipt(hub: identity.hub, size: place.size, root: root, at: SystemClock().now())
    try await client.send(try receipt.signed(ledger: try verifier.required().origin.ledger, by: identity.key))
    follower.receiptTaken()
  }

  private func believed(_ plan: Result<Follower.Plan, FollowerRefusal>) throws -> Follower.Plan {
    switch plan {
    case .success(let plan): return plan
    case .failure(let refusal):
      throw CommandFailure(
        "\(refusal) (\(refusal.code)): this is not the ledger that was followed; keep \(disk.path) and ask who runs it")
    }
  }
}

extension CheckpointVerifier? {
  fileprivate func required() throws -> CheckpointVerifier {
    guard let self else { throw CommandFailure("expected the ledger's verifier key beside the state, found none") }
    return self
  }
}

/// The hub's side of the API.
struct HubClient {
  let client: APIClient

  /// How long the service may hold a poll, in seconds.
  private static let wait = 30

  func page(after place: LedgerPlace) async throws -> FeedPage {
    try await client.get(
      "/v1/hub/feed",
      query: [("after", String(place.size)), ("root", place.root), ("wait", String(HubClient.wait))])
  }

  /// All parts; the head is the first's.
  func snapshot() async throws -> (SnapshotHead, [HubDevice]) {
    var (head, devices) = try await part(after: nil)
    var next = head.next
    while let after = next {
      let (following, more) = try await part(after: after)
      devices += more
      next = following.next
    }
    return (head, devices)
  }

  private func part(after: String?) async throws -> (SnapshotHead, [HubDevice]) {
    let lines = try await client.bytes("/v1/hub/devices", query: [("after", after)])
      .split(separator: UInt8(ascii: "\n"))
    guard let first = lines.first else { throw CommandFailure("expected a snapshot, found nothing") }
    do {
      let decoder = JSONDecoder()
      return (
        try decoder.decode(SnapshotHead.self, from: Data(first)),
        try lines.dropFirst().map { try decoder.decode(HubDevice.self, from: Data($0)) }
      )
    } catch {
      throw CommandFailure("expected a snapshot of this version's API, found another: \(error)")
    }
  }

  func send(_ signed: SignedReceipt) async throws {
    let receipt = signed.receipt
    try await client.tell(
      "/v1/hub/receipts",
      ReceiptMessage(
        hub: receipt.hub, size: receipt.size, root: receipt.root.hex, at: receipt.at,
        signature: Data(signed.signature).base64EncodedString()))
  }

  private struct ReceiptMessage: Encodable {
    let hub: RecordID
    let size: UInt64
    let root: String
    let at: Timestamp
    let signature: String
  }
}
