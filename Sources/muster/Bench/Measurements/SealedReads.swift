import Crypto
import Enrollment
import HubAccess
import KeyVault
import MusterModel

/// A hub that reads the keys of its devices, sealed to it, one device after another: each read is on record before its
/// answer.
struct SealedReads: Measurement {
  let name = "credential-read-sealed"
  let title = "hub reads sealed keys"

  func figure(on stage: BenchStage) async throws -> Figure {
    let holders = stage.plan.holders
    try await stage.client(stage.people.administrator) { client in
      _ = try await inParallel(holders, stage.plan.connections) { index in
        let _: IssuedKeys = try await client.post("/v1/devices/\(FleetSeed.deviceID(index))/keys", [String: String]())
      }
    }
    return try await stage.client(stage.people.hub) { client in
      let load = try await stage.server.load(stage.plan.reads, connections: stage.plan.connections) { index in
        let device = FleetSeed.deviceID(index % holders)
        _ = try await client.get("/v1/hub/devices/\(device)/credentials?keys=sealed")
      }
      return figure(load, baseline: "HPKE seal", try SealedReads.seal(stage.plan.lookups))
    }
  }

  /// The microseconds of sealing two keys, without anything around it.
  private static func seal(_ count: Int) throws -> Double {
    guard let deviceID = DeviceID(FleetSeed.deviceID(0)) else { throw CommandFailure("expected a device ID") }
    let key = SealKey(of: P256.KeyAgreement.PrivateKey())
    let now = SystemClock().now()
    let labels = DeviceKeySlot.allCases.map { SealedKeys.Context.Label(slot: $0, version: 1, check: "00") }
    let context = SealedKeys.Context(
      ledger: "bench.example/muster/bench", hub: RecordID(.hub, UUIDv7(at: now)),
      device: RecordID(.device, UUIDv7(at: now)), deviceID: deviceID, generation: 1, keys: labels)
    let keys = labels.map { _ in DeviceKey.random() }
    let clock = ContinuousClock()
    let began = clock.now
    for _ in 0..<count { _ = try SealedKeys.seal(keys, to: key, context) }
    return (clock.now - began).seconds * 1e6 / Double(count)
  }
}
