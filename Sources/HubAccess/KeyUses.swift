import KeyVault
import MusterModel

/// What one reading of devices says of the keys that they used. Of a device in a rollover a change of key is on record before
/// anyone is told that the key is good; all else is told once a minute.
struct KeyUses {
  private var changes = RecordedProofs()
  /// Of devices in no rollover.
  private var proofs: [(device: RecordID, version: UInt32)] = []
  /// Devices in a rollover.
  private var refusals: [RecordID] = []

  /// The device used this version of its keys.
  mutating func used(_ version: UInt32, by holder: KeyHolder) {
    if let rollover = holder.rollover {
      changes.note(holder.device, version, rollover.device, at: rollover.version)
    } else if holder.proved != version {
      proofs.append((holder.device, version))
    }
  }

  /// Something of the device was signed by none of its keys.
  mutating func refused(_ holder: KeyHolder) {
    guard let rollover = holder.rollover, rollover.device.made != nil, !rollover.isRefused else { return }
    refusals.append(holder.device)
  }

  /// Whether it is on disk, or there was nothing; not where a device's keys, or what `reads` says of who tells it, are
  /// others by now.
  func record(
    in store: any Store, at now: Timestamp, by actor: Actor, reads: ReadSet = ReadSet()
  ) async throws -> Bool {
    guard let unit = try changes.unit(at: now, by: actor, reads: reads) else { return true }
    guard case .committed = try await store.commit(unit) else { return false }
    return true
  }

  func tell(_ tally: TokenTally) {
    for proof in proofs { tally.proved(proof.device, version: proof.version) }
    for device in changes.devices { tally.forget(device) }
    for device in refusals { tally.refused(device) }
  }
}
