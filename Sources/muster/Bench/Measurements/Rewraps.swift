import Foundation
import KeyVault
import MusterModel

/// What it costs to bring secrets under a new key-encryption key: the work alone, without a database, on two threads.
struct Rewraps: Measurement {
  let name = "re-wraps"
  let title = "re-wraps (work alone)"

  private static let threads = 2

  func figure(on stage: BenchStage) async throws -> Figure {
    let vault = Vault()
    try vault.unseal(root: .random(), keks: [])
    _ = try vault.addKEK()
    let owner = RecordID(.device, UUIDv7(at: SystemClock().now()))
    let count = stage.plan.rewraps / Rewraps.threads
    let sealed = try (0..<count).map {
      try vault.seal(.random(count: 32), owner: owner, purpose: DeviceKeyPair.purpose, version: UInt32($0))
    }
    _ = try vault.addKEK()
    let (began, cpu) = (ContinuousClock.now, ownCPUMicroseconds())
    try await withThrowingTaskGroup { group in
      for _ in 0..<Rewraps.threads {
        group.addTask {
          try await onItsThread { for secret in sealed { _ = try vault.rewrap(secret) } }
        }
      }
      try await group.waitForAll()
    }
    let operations = count * Rewraps.threads
    let each = (ownCPUMicroseconds() - cpu) / Double(operations)
    return Figure(
      name: name, title: title, operations: operations,
      perSecond: Double(operations) / (ContinuousClock.now - began).seconds, cpuMicroseconds: each, baseline: "HMAC",
      baselineMicroseconds: stage.baselines.mac, ratio: each / stage.baselines.mac, comparesTime: false, latency: nil)
  }
}
