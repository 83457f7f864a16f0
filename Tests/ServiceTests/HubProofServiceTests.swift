import Foundation
import HubAccess
import MusterTesting
import NIOHTTP1
import Testing

@testable import muster

extension ServiceTests {
  /// A hub that verifies by keys that came sealed to it, and tells what its devices proved.
  @Suite struct HubProofServiceTests {
    private let meters = ["meter-0", "meter-1", "meter-2"]

    /// Meters of a group with keys, a device of none, and the identity of the hub that sees the meters.
    private func prepare(_ instance: ServedInstance, sealKey: String) async throws -> String {
      _ = try await instance.muster("group", "add", "meters").succeeded()
      let plant = instance.folder.file("plant.pem")
      _ = try await instance.muster(
        "hub", "add", "plant", "--host", "mqtt.example", "--group", "meters", "--out", plant, "--seal-key-out", sealKey
      ).succeeded()
      for (number, name) in (meters + ["stray"]).enumerated() {
        let group = name == "stray" ? [] : ["--group", "meters"]
        _ = try await instance.enroll(name, "cpu-serial:feed0000\(number)", group)
        _ = try await instance.muster("device", "rekey", name, "--out", instance.folder.file(name)).succeeded()
      }
      return plant
    }

    @Test func `a hub alone, with keys that are sealed to it, brings a rollover to its end`() async throws {
      try await ServedInstance.with(prepare: { try $0.letHubs("hub.read-keys") }) { instance in
        let sealKey = instance.folder.file("plant.seal.pem")
        let plant = try await prepare(instance, sealKey: sealKey)
        let served = instance
        func tell(_ version: String, of devices: [String]) async throws -> Ran {
          try await served.muster(
            "hub", "proofs", as: plant, input: devices.map { "\($0) \(version)\n" }.joined())
        }
        func lines(_ version: String, _ word: String) -> String {
          meters.map { "\($0) \(version) \(word)\n" }.joined()
        }
        /// The versions that the hub has of a device's keys, opened.
        func read(_ device: String) async throws -> [UInt32] {
          let out = served.folder.file("held.json")
          _ = try await served.muster(
            "hub", "credentials", device, "--seal-key", sealKey, "--out", out, as: plant
          ).succeeded()
          let found = try JSONDecoder().decode(HubDevice.self, from: Data(contentsOf: URL(filePath: out)))
          return found.keys.filter { $0.key != nil }.map(\.version).sorted()
        }
        let rollover = try await instance.startRollover(
          "--group", "meters", "--deadline", "30d", "--canary", "100", "--soak", "1s", "--overlap", "1s"
        ) { $0.entered == 3 }
        #expect(try await tell("1", of: meters).succeeded() == lines("1", "accepted"))
        try await instance.rollover(rollover) { $0.devices["made"] == 3 }
        let early = try await tell("3", of: meters)
        #expect(early.status == 3 && early.output == lines("3", "key-not-handed-out"), "\(early.output)")
        for meter in meters { #expect(try await read(meter) == [1, 3]) }
        #expect(try await tell("3", of: meters).succeeded() == lines("3", "accepted"))
        let done = try await instance.rollover(rollover) { $0.state == .finished }
        #expect(done.devices["settled"] == 3)
        #expect(try await read("meter-0") == [3])
        let late = try await tell("1", of: ["meter-0", "stray", "nobody"])
        #expect(
          late.status == 3
            && late.output == "meter-0 1 key-version-unknown\nstray 1 device-unknown\nnobody 1 device-unknown\n")
        #expect(try await tell("three", of: ["meter-0"]).status == 2)
        // A word that is left out is none.
        try await instance.withClient(plant) { hub in
          for (version, status) in [("", 400), (#","keyVersion":null"#, 200), (#","keyVersion":3"#, 200)] {
            let body = #"{"proofs":[{"deviceID":"meter-0"\#(version)}]}"#
            let answer = try await hub.send(
              .POST, "/v1/hub/proofs", [("Content-Type", "application/json")], body: Array(body.utf8))
            #expect(answer.status == status && (status == 200 || answer.code == "json-malformed"), "\(answer.text)")
          }
        }
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a hub that may not read keys is taken at no word`() async throws {
      try await ServedInstance.with { instance in
        let plant = try await prepare(instance, sealKey: instance.folder.file("plant.seal.pem"))
        let told = try await instance.muster("hub", "proofs", as: plant, input: "meter-0 1\n")
        #expect(told.status == 1 && told.output.isEmpty && told.errors.contains("not-allowed"), "\(told.errors)")
      }
    }
  }
}
