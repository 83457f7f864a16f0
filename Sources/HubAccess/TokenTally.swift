import KeyVault
public import MusterModel
import Synchronization

/// Counts verifications by hub and minute, and which key version each device proved, so that a verification writes nothing.
public final class TokenTally: Sendable {
  /// The most devices whose proof is kept until it is recorded: of more, the next proof tells again.
  static let proofLimit = 65_536

  private struct Count {
    var valid: UInt64 = 0
    var refused: UInt64 = 0
  }

  private struct State {
    var began: Timestamp?
    var counts: [RecordID: Count] = [:]
    var proofs: [RecordID: UInt32] = [:]
    /// Devices in a rollover of whose tokens one was refused.
    var refused: Set<RecordID> = []
  }

  private let state = Mutex(State())

  public init() {}

  func count(_ results: [TokenResult], of hub: RecordID, at now: Timestamp) {
    let valid = UInt64(results.count(where: \.valid))
    state.withLock { state in
      if state.began == nil { state.began = now }
      state.counts[hub, default: Count()].valid += valid
      state.counts[hub, default: Count()].refused += UInt64(results.count) - valid
    }
  }

  /// A device in no rollover used this version of its keys, and last another as far as is on record.
  public func proved(_ device: RecordID, version: UInt32) {
    state.withLock { state in
      guard state.proofs.count < TokenTally.proofLimit || state.proofs[device] != nil else { return }
      state.proofs[device] = version
    }
  }

  /// A later proof of the device is on record already.
  func forget(_ device: RecordID) { state.withLock { _ = $0.proofs.removeValue(forKey: device) } }

  /// A token of a device in a rollover was signed by none of its keys.
  func refused(_ device: RecordID) {
    state.withLock { state in
      guard state.refused.count < TokenTally.proofLimit else { return }
      state.refused.insert(device)
    }
  }

  /// Hands over what was counted since the last time, as the events that record it, where there is anything. What could
  /// not be recorded counts with the next.
  public func record(at now: Timestamp, by commit: ([Event]) async throws -> Void) async throws {
    let taken = state.withLock { state in
      defer { state = State() }
      return state
    }
    do {
      let events = try TokenTally.events(taken, at: now)
      if !events.isEmpty { try await commit(events) }
    } catch {
      putBack(taken)
      throw error
    }
  }

  private func putBack(_ earlier: State) {
    state.withLock { state in
      state.began = earlier.began ?? state.began
      for (hub, count) in earlier.counts {
        state.counts[hub, default: Count()].valid += count.valid
        state.counts[hub, default: Count()].refused += count.refused
      }
      for (device, version) in earlier.proofs where state.proofs[device] == nil {
        guard state.proofs.count < TokenTally.proofLimit else { break }
        state.proofs[device] = version
      }
      state.refused.formUnion(earlier.refused.prefix(max(0, TokenTally.proofLimit - state.refused.count)))
    }
  }

  private static func events(_ taken: State, at now: Timestamp) throws -> [Event] {
    let counts = try taken.counts.sorted { $0.key < $1.key }.map { hub, count in
      try Event(
        at: now, by: .service, on: [.record(hub)],
        TokensVerified(hub: hub, from: taken.began ?? now, to: now, valid: count.valid, refused: count.refused))
    }
    return counts + (try TokenTally.events(taken.proofs, at: now)) + (try TokenTally.events(taken.refused, at: now))
  }

  private static func events(_ refused: Set<RecordID>, at now: Timestamp) throws -> [Event] {
    let (all, limit) = (refused.sorted(), RolloverTokensRefused.limit)
    return try stride(from: 0, to: all.count, by: limit).map { start in
      let some = Array(all[start..<min(start + limit, all.count)])
      return try Event(at: now, by: .service, on: some.map { .record($0) }, RolloverTokensRefused(devices: some))
    }
  }

  private static func events(_ proofs: [RecordID: UInt32], at now: Timestamp) throws -> [Event] {
    let all = proofs.sorted { $0.key < $1.key }.map { DeviceKeysProved.Proof(device: $0.key, version: $0.value) }
    return try stride(from: 0, to: all.count, by: DeviceKeysProved.limit).map { start in
      let some = Array(all[start..<min(start + DeviceKeysProved.limit, all.count)])
      return try Event(
        at: now, by: .service, on: some.map { .record($0.device) }, DeviceKeysProved(proved: some))
    }
  }
}
