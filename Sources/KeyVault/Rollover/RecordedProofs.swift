public import MusterModel

/// Proofs of devices in a rollover, which are on record before they are told to be good.
public struct RecordedProofs: Sendable {
  private var proved: [DeviceKeysProved.Proof] = []
  private var last: [RecordID: UInt32] = [:]
  private var reads = ReadSet()

  public init() {}

  public var devices: [RecordID] { last.keys.sorted() }

  /// Notes the proof where it says something new of the device, whose record stood at `version`.
  public mutating func note(_ device: RecordID, _ proof: UInt32, _ rollover: DeviceRollover, at version: UInt64) {
    guard last[device].map({ $0 != proof }) ?? rollover.mustRecord(proof) else { return }
    last[device] = proof
    proved.append(.init(device: device, version: proof))
    reads.saw(.record(device), version: version)
  }

  /// nil where nothing is to be recorded. `actor` is who tells it, and `others` what else must stand still.
  public func unit(at now: Timestamp, by actor: Actor = .service, reads others: ReadSet = ReadSet()) throws
    -> UnitOfWork?
  {
    guard !proved.isEmpty else { return nil }
    let limit = RolloverKeysProved.limit
    let events = try stride(from: 0, to: proved.count, by: limit).map { start in
      let some = Array(proved[start..<min(start + limit, proved.count)])
      return try Event(
        at: now, by: actor, on: Set(some.map(\.device)).sorted().map { .record($0) },
        RolloverKeysProved(proved: some))
    }
    return UnitOfWork(reads: reads.merging(others), events: events)
  }
}
