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
    let instance = try await BenchInstance.found()
    defer { instance.remove() }
    let people = try await instance.serving { try await BenchPeople.add(to: $0, stage.plan) }
    try await FleetSeed.grow(instance, by: stage.plan.holders, from: 0, like: people)
    var figures: [Figure] = []
    try await OpenInstance.with(instance.folder.path) { opened in
      figures.append(try await figure(opened, stage))
    }
    return figures[0]
  }

  private func figure(_ opened: OpenInstance, _ stage: BenchStage) async throws -> Figure {
    guard let page = PageRequest(limit: 1, after: nil), let hub = try await opened.readers.hubs(page).rows.first?.record
    else { throw CommandFailure("expected the bench's hub, found none") }
    let ids = (0..<stage.plan.holders).compactMap { DeviceID(FleetSeed.deviceID($0)) }
    var tokens: [String] = []
    for id in ids { tokens.append(try await token(of: id, opened)) }
    let asked = (0..<TokenVerification.limit).map { $0 % tokens.count }
    let (names, question) = (asked.map { ids[$0] }, asked.map { tokens[$0] })
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
    return figure(
      verified, per: question.count, baseline: "HMAC + read",
      stage.baselines.mac + read.cpuMicroseconds / Double(read.count * question.count))
  }

  /// Of a device that is given keys now.
  private func token(of id: DeviceID, _ opened: OpenInstance) async throws -> String {
    let now = SystemClock().now()
    guard let device = try await opened.readers.read({ try $0.device(id) }) else {
      throw CommandFailure("expected the device \(id), found none")
    }
    let pair = try opened.instance.vault.makeDeviceKeys(
      of: device.record, generation: device.lastGeneration, after: 0)
    let event = try Event(at: now, by: .folder, on: [.record(device.record)], pair.made(for: device.record))
    guard case .committed = try await opened.store.commit(UnitOfWork(events: [event], secrets: pair.secrets)) else {
      throw CommandFailure("expected to record a device's keys, found the store refusing them")
    }
    return SharedAccessToken.make(
      host: BenchPeople.hubHost, deviceID: id, expires: now + .seconds(3600), key: pair.primary.key)
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
