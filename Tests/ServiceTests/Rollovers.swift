import Enrollment
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import muster

// Rollovers by the command line, and what an instance's policies let be done in them.

extension ServedInstance {
  /// Plans one and starts it.
  func startRollover(_ options: String..., at stage: (RolloverSummary) -> Bool) async throws -> String {
    let planned = try await Program.muster(
      ["rollover", "plan"] + options, environment: ["MUSTER_SERVER": service.server, "MUSTER_IDENTITY": administrator])
    let rollover = try planned.succeeded().trimmingCharacters(in: .newlines)
    _ = try await muster("rollover", "start", rollover).succeeded()
    _ = try await self.rollover(rollover, until: stage)
    return rollover
  }

  /// Asks again and again until it is so.
  @discardableResult
  func rollover(_ record: String, until isSo: (RolloverSummary) -> Bool) async throws -> RolloverSummary {
    while true {
      let line = try await muster("rollover", "status", record, "--output", "json").succeeded()
      let found = try JSONDecoder().decode(RolloverSummary.self, from: Data(line.utf8))
      if isSo(found) { return found }
    }
  }
}

extension ScratchFolder {
  /// Hubs may do this, too.
  func letHubs(_ right: String) throws {
    let (path, last) = ("data/policies/access.yaml", "    - hub.verify-tokens\n")
    _ = try write(try read(path).replacing(last, with: last + "    - \(right)\n"), to: path)
  }

  /// From so many devices a rollover may take the old key.
  func letRolloversBreak(_ count: Int) throws {
    let path = "data/policies/keys.yaml"
    _ = try write(try read(path).replacing("may-break: 0", with: "may-break: \(count)"), to: path)
  }
}
