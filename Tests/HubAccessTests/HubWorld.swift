import CertificateAuthority
import Crypto
import DeviceRegistry
import KeyVault
import Ledger
import MusterModel
import MusterTesting
import Synchronization
import Testing

@testable import HubAccess

let now = Timestamp(milliseconds: 1_750_000_000_000)

/// Two hubs and what a test says of their devices; what is committed is kept.
final class HubWorld: HubReader, StoreDouble {
  struct Contents: Sendable {
    /// By hub.
    var devices: [RecordID: [SealedDevice]] = [:]
    /// The key version that a device proved last.
    var proved: [RecordID: UInt32] = [:]
    var rollovers: [RecordID: KeyHolder.HeldRollover] = [:]
    /// What becomes of the next units, before they are committed.
    var outcomes: [CommitOutcome] = []
    var hosts: [RecordID: String] = [:]
    var places: Set<LedgerPlace> = []
    /// Up to where a receipt covers all that a hub must know.
    var enforced: [RecordID: UInt64] = [:]
    var committed: [Event] = []
    var refuses = false
    var removed: Set<RecordID> = []
    /// By hub, with how often it was registered.
    var sealKeys: [RecordID: (key: SealKey, version: UInt64)] = [:]
    /// The next commit finds the hub's key replaced by this one.
    var replacement: SealKey?
  }

  let signal = HubSignal()
  let vault = Vault()
  let clock = FixedClock(HubAccessTests.now)
  let hub = RecordID(.hub, UUIDv7(at: HubAccessTests.now))
  let other = RecordID(.hub, UUIDv7(at: HubAccessTests.now))
  private let contents = Mutex(Contents())

  init() throws {
    try vault.unseal(root: RootKey.random(), keks: [])
    _ = try vault.addKEK()
    change { $0.hosts = [hub: "mqtt.plant.example", other: "mqtt.other.example"] }
  }

  func change(_ body: (inout Contents) -> Void) { contents.withLock { body(&$0) } }
  var current: Contents { contents.withLock { $0 } }

  func credential(_ hub: RecordID? = nil) -> HubCredential {
    HubCredential(
      hub: hub ?? self.hub, certificate: RecordID(.certificate, UUIDv7(at: HubAccessTests.now)), reads: ReadSet())
  }

  /// A device of `hub` with keys of its own.
  func device(
    _ name: String, state: DeviceState = .enabled, isBlocked: Bool = false, proved: UInt32? = nil
  ) throws -> DeviceKeyPair {
    let record = RecordID(.device, UUIDv7(at: HubAccessTests.now))
    let pair = try vault.makeDeviceKeys(of: record, generation: 1, after: 0)
    let shown = HubDevice(
      device: record, deviceID: try #require(DeviceID(name)), state: state, isBlocked: isBlocked, generation: 1,
      certificates: [],
      keys: zip(DeviceKeySlot.allCases, [pair.primary, pair.secondary]).map { slot, key in
        let check = KeyCheck(of: key.key.bytes, id: record.description, version: key.version)
        return HubDevice.Key(slot: slot, version: key.version, check: check.hex)
      })
    change {
      $0.devices[hub, default: []].append(SealedDevice(device: shown, sealed: pair.secrets))
      $0.proved[record] = proved
    }
    return pair
  }

  func token(
    _ name: String, _ key: DeviceKey, host: String = "mqtt.plant.example", for duration: Duration = .seconds(60)
  ) throws -> String {
    SharedAccessToken.make(
      host: host, deviceID: try #require(DeviceID(name)), expires: HubAccessTests.now + duration, key: key)
  }

  // MARK: Store

  func commit(_ unit: UnitOfWork) async throws -> CommitOutcome {
    contents.withLock { contents in
      guard !contents.refuses else { return .stale(.record(hub)) }
      if !contents.outcomes.isEmpty { return contents.outcomes.removeFirst() }
      if let key = contents.replacement {
        contents.replacement = nil
        contents.sealKeys[hub] = (key, (contents.sealKeys[hub]?.version ?? 0) + 1)
      }
      let aggregate = HubWorld.aggregate(hub)
      if let seen = unit.reads.versions[aggregate], seen != contents.sealKeys[hub]?.version {
        return .stale(aggregate)
      }
      contents.committed += unit.events
      return .committed(LedgerPosition(first: 0, count: unit.events.count))
    }
  }

  // MARK: HubReader

  func feed(of credential: HubCredential, after place: LedgerPlace, limit: Int) async throws -> FeedReading {
    .rolledBack
  }

  func devices(
    of hub: RecordID, after cursor: Int64, limit: Int, at time: Timestamp
  ) async throws -> DeviceReading {
    let all = current.devices[hub] ?? []
    let start = Int(cursor) + 1
    let end = min(start + limit, all.count)
    return DeviceReading(
      place: LedgerPlace(size: 1, root: .sha256([])), checkpoint: "", key: "", devices: Array(all[start..<end]),
      next: end < all.count ? Int64(end - 1) : nil)
  }

  func device(_ id: DeviceID, of hub: RecordID, at time: Timestamp) async throws -> SealedDevice? {
    current.devices[hub]?.first { $0.device.deviceID.folded == id.folded }
  }

  func holders(_ ids: [DeviceID], of hub: RecordID) async throws -> [KeyHolder?] {
    let (all, proved, rollovers) = (current.devices[hub] ?? [], current.proved, current.rollovers)
    return ids.map { id in
      all.first { $0.device.deviceID.folded == id.folded }.map { found in
        KeyHolder(
          device: found.device.device, deviceID: found.device.deviceID, state: found.device.state,
          isBlocked: found.device.isBlocked, sealed: found.sealed, proved: proved[found.device.device],
          rollover: rollovers[found.device.device])
      }
    }
  }

  func device(of certificate: CertificateKey, hub: RecordID, at time: Timestamp) async throws -> SealedDevice? { nil }
  func host(of hub: RecordID) async throws -> String? { current.hosts[hub] }
  func isInOffice(_ credential: HubCredential) async throws -> Bool { !current.removed.contains(credential.hub) }
  func sealKey(of hub: RecordID) async throws -> RegisteredKey? {
    current.sealKeys[hub].map { RegisteredKey(key: $0.key, reads: ReadSet([HubWorld.aggregate(hub): $0.version])) }
  }
  static func aggregate(_ hub: RecordID) -> Aggregate { .record(RecordID(.key, hub.uuid)) }
  func holds(_ place: LedgerPlace) async throws -> Bool { current.places.contains(place) }
  func saysMore(_ size: UInt64, from hub: RecordID) async throws -> Bool {
    current.enforced[hub].map { $0 < size } ?? true
  }
  func statuses() async throws -> [HubStatus] { [] }

  func enforcement(ofCertificate record: RecordID) async throws -> Enforcement {
    Enforcement(position: nil, at: nil, hubs: [])
  }
}
