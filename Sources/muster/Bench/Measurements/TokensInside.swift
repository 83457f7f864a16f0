import Enrollment
import Foundation
import HubAccess
import KeyVault
import MusterModel

/// The same without the way there: a question's tokens judged in this process, beside what cannot be spared of each, its
/// HMAC and the reading of its device from the database.
struct TokensInside: Measurement {
  let name = "token-verification-inside"
  let title = "token verification inside"

  func figure(on stage: BenchStage) async throws -> Figure {
    try await KeyedFleet.with(stage.plan.holders, stage.plan) { fleet in
      try await OpenInstance.with(fleet.instance.folder.path) { try await figure(fleet, $0, stage) }
    }
  }

  private func figure(_ fleet: KeyedFleet, _ opened: OpenInstance, _ stage: BenchStage) async throws -> Figure {
    guard let page = PageRequest(limit: 1), let hub = try await opened.readers.hubs(page).rows.first?.record else {
      throw CommandFailure("expected the bench's hub, found none")
    }
    let tokens = try await fleet.giveKeys(opened, tokens: fleet.devices)
    let asked = (0..<TokenVerification.limit).map { $0 % tokens.count }
    let (names, question) = (asked.compactMap { DeviceID(FleetSeed.deviceID($0)) }, asked.map { tokens[$0] })
    let verification = TokenVerification(
      opened.readers, store: opened.store, vault: opened.instance.vault, clock: SystemClock(), tally: TokenTally())
    let credential = HubCredential(hub: hub, certificate: hub, reads: ReadSet())
    let rounds = max(1, stage.plan.tokens / question.count)
    let read = try await load(rounds) { _ = try await opened.readers.holders(names, of: hub) }
    let verified = try await load(rounds) {
      guard try await verification.verify(question, for: credential).get().allSatisfy(\.valid) else {
        throw CommandFailure("expected valid tokens, found others")
      }
    }
    return self.figure(
      verified, per: question.count, baseline: "HMAC + read",
      stage.baselines.mac + read.cpuMicroseconds / Double(read.count * question.count))
  }

  /// One after the other, with this process's CPU.
  private func load(_ count: Int, _ body: () async throws -> Void) async throws -> Load {
    let clock = ContinuousClock()
    var latencies: [Double] = []
    try await body()
    let (began, cpu) = (clock.now, ownCPUMicroseconds())
    for _ in 0..<count {
      let began = clock.now
      try await body()
      latencies.append((clock.now - began).seconds * 1000)
    }
    return Load(
      latencies: latencies.sorted(), seconds: (clock.now - began).seconds, cpuMicroseconds: ownCPUMicroseconds() - cpu)
  }
}
