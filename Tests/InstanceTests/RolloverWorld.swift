import DeviceRegistry
import Enrollment
import KeyVault
import MusterModel
import Testing

@testable import muster

/// An instance whose rollovers a security officer leads: of keys, or of certificates.
protocol RolloverWorld {
  var test: TestInstance { get }
  var officer: Caller { get }
}

extension RolloverWorld {
  func plan(
    canary: UInt32 = 100, step: UInt32 = 100, soak: UInt64 = 3600, overlap: UInt64 = 86_400, breaks: UInt64 = 0
  ) -> RolloverPlan {
    RolloverPlan(
      canary: canary, step: step, quorum: 90, soak: soak, overlap: overlap,
      deadline: test.clock.now() + .seconds(30 * 86_400), refusals: 20, breaks: breaks)
  }

  func lead(_ rollover: RecordID, _ change: RolloverChange) async throws {
    _ = try await test.administration.change(rollover, change, by: officer).get()
  }

  /// Until there is nothing to do.
  func upkeep() async throws {
    let upkeep = RolloverUpkeep(test.instance)
    while try await upkeep.round() {}
  }

  func state(_ rollover: RecordID) async throws -> RolloverState? {
    try await test.instance.listings.rollover(rollover)?.state
  }

  /// Those stages that devices are in.
  func counts(_ rollover: RecordID) async throws -> [String: UInt64] {
    try await test.instance.listings.rollover(rollover)?.devices.filter { $0.value > 0 } ?? [:]
  }

  func stragglers(_ rollover: RecordID) async throws -> [RolloverStraggler] {
    let page = try #require(PageRequest())
    return try await test.instance.listings.stragglers(of: rollover, page)?.rows ?? []
  }
}
