import Crypto
import Foundation
import HubAccess
import KeyVault
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// A hub that holds the keys of its devices: they come sealed to it.
  @Suite struct SealedHubTests {
    /// What `rekey` wrote of a device.
    private struct Keys: Decodable {
      struct Key: Decodable { let key: String }
      let primary, secondary: Key
      var texts: [String] { [primary.key, secondary.key] }
    }

    private let hub = "/v1/hub/devices/pump-1/credentials?keys="

    /// A served instance whose hubs may do this too.
    private func with(_ rights: [String], _ body: (inout ServedInstance) async throws -> Void) async throws {
      try await ServedInstance.with(
        prepare: { folder in
          let right = "    - hub.verify-tokens\n"
          let policy = try folder.read("data/policies/access.yaml")
          _ = try folder.write(
            policy.replacing(right, with: right + rights.map { "    - \($0)\n" }.joined()),
            to: "data/policies/access.yaml")
        }, body)
    }

    /// The hub's identity.
    private func addHub(_ instance: ServedInstance, _ options: [String] = []) async throws -> String {
      let plant = instance.folder.file("plant.pem")
      _ = try await instance.muster("group", "add", "pumps").succeeded()
      _ = try await Program.muster(
        ["hub", "add", "plant", "--host", "mqtt.plant.example", "--group", "pumps", "--out", plant] + options,
        environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": instance.administrator]
      ).succeeded()
      return plant
    }

    /// Devices of the group, with keys that their operator knows.
    private func enroll(_ names: [String], _ instance: ServedInstance) async throws -> [[String]] {
      var keys: [[String]] = []
      for name in names {
        let issued = try await instance.muster(
          "ticket", "issue", "--hardware", "cpu-serial:board-\(name)", "--device", name, "--group", "pumps")
        let code = try #require(try issued.succeeded().split(separator: "\n").first)
        let answer = try await instance.withClient { client in
          try await client.enroll(name, String(code), try PeerKey().request(commonName: name))
        }
        try #require(answer.status == 200, "\(answer.text)")
        keys.append(try await rekey(name, instance))
      }
      return keys
    }

    private func rekey(_ name: String, _ instance: ServedInstance) async throws -> [String] {
      let file = instance.folder.file("\(name)-\(UUID().uuidString).json")
      _ = try await instance.muster("device", "rekey", name, "--out", file).succeeded()
      return try JSONDecoder().decode(Keys.self, from: Data(contentsOf: URL(filePath: file))).texts
    }

    /// `muster hub credentials`, and the keys of each device that it wrote.
    private func read(
      _ instance: ServedInstance, _ plant: String, _ arguments: String...
    ) async throws -> [[String?]] {
      let out = instance.folder.file("read.json")
      _ = try await Program.muster(
        ["hub", "credentials", "--out", out] + arguments,
        environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": plant]
      ).succeeded()
      #expect(try FileManager.default.attributesOfItem(atPath: out)[.posixPermissions] as? Int == 0o600)
      return try String(contentsOfFile: out, encoding: .utf8).split(separator: "\n").map { line in
        let device = try JSONDecoder().decode(HubDevice.self, from: Data(line.utf8))
        #expect(device.sealedKeys == nil)
        return device.keys.map(\.key)
      }
    }

    @Test func `a hub reads its keys sealed, and nothing on the way shows one`() async throws {
      try await with(["hub.read-keys"]) { instance in
        let sealKey = instance.folder.file("plant.seal.pem")
        let plant = try await addHub(instance, ["--seal-key-out", sealKey])
        #expect(try FileManager.default.attributesOfItem(atPath: sealKey)[.posixPermissions] as? Int == 0o600)
        let keys = try await enroll(["pump-1"], instance)
        let secrets = keys[0].flatMap { [$0, Hex.encode(Array(Data(base64Encoded: $0) ?? Data()))] }
        try await instance.withClient(plant) { client in
          for path in [hub + "sealed", "/v1/hub/devices?keys=sealed", "/v1/hub/credentials?keys=sealed"] {
            let answer = try await client.send(.GET, path)
            #expect(answer.status == 200 && answer.text.contains("ciphertext"), "\(path): \(answer.text)")
            for secret in secrets { #expect(!answer.text.contains(secret), "\(path)") }
            let plain = try await client.send(.GET, path.replacing("sealed", with: "plain"))
            #expect(plain.status == 403 && plain.code == "not-allowed", "\(path): \(plain.text)")
          }
          #expect(try await client.send(.GET, hub + "true").code == "parameter-malformed")
          #expect(try await client.send(.GET, "/v1/hub/credentials").code == "parameter-malformed")
        }
        #expect(try await read(instance, plant, "pump-1", "--seal-key", sealKey) == keys)
        #expect(try await read(instance, plant, "--seal-key", sealKey) == keys)
        for secret in secrets { #expect(!instance.log.contains(secret)) }
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a hub that has a device's credentials already is told so, and no key leaves`() async throws {
      try await with(["hub.read-keys"]) { instance in
        let sealKey = instance.folder.file("plant.seal.pem")
        let plant = try await addHub(instance, ["--seal-key-out", sealKey])
        _ = try await enroll(["pump-1"], instance)
        try await instance.withClient(plant) { client in
          var tags: Set<String> = []
          for keys in ["none", "sealed"] {
            let first = try await client.send(.GET, hub + keys)
            let tag = try #require(first.tag)
            tags.insert(tag)
            for known in [tag, "\"other\", \(tag)", String(tag.dropFirst(2))] {
              let again = try await client.send(.GET, hub + keys, [("If-None-Match", known)])
              #expect(again.status == 304 && again.body.isEmpty && again.tag == tag, "\(known)")
            }
          }
          #expect(tags.count == 2)
          let reads = try await instance.muster("device", "history", "pump-1", "--output", "csv").succeeded()
          #expect(reads.ranges(of: "keys read by a hub").count == 1)
          // Whatever is shown makes another of it.
          for change in [["disable"], ["enable"], ["rekey", "--out", instance.folder.file("next.json")]] {
            let tag = try #require(try await client.send(.GET, hub + "sealed").tag)
            _ = try await Program.muster(
              ["device", change[0], "pump-1"] + change.dropFirst(),
              environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": instance.administrator]
            ).succeeded()
            let next = try await client.send(.GET, hub + "sealed", [("If-None-Match", tag)])
            #expect(next.status == 200 && next.tag != tag, "\(change[0])")
          }
        }
      }
    }

    @Test func `what keys are sealed to is an operator's to say, and neither is skipped`() async throws {
      try await with(["hub.read-keys", "hub.read-keys-plain"]) { instance in
        let plant = try await addHub(instance)
        let keys = try await enroll(["pump-1"], instance)
        let own = P256.KeyAgreement.PrivateKey()
        let secret = try instance.folder.write(own.pemRepresentation + "\n", to: "own.pem")
        let registered = try instance.folder.write(own.publicKey.pemRepresentation + "\n", to: "own.pub.pem")
        try await instance.withClient(plant) { client in
          for path in [hub + "sealed", "/v1/hub/credentials?keys=sealed", "/v1/hub/devices?keys=sealed"] {
            let answer = try await client.send(.GET, path)
            #expect(answer.status == 409 && answer.code == "hub-without-seal-key", "\(path): \(answer.text)")
          }
          let input = ["sealKey": own.publicKey.pemRepresentation]
          #expect(try await client.json(.POST, "/v1/hubs/plant/seal-key", input).code == "not-allowed")
        }
        try await instance.withClient(instance.administrator) { client in
          let refused = try await client.json(.POST, "/v1/hubs/plant/seal-key", ["sealKey": own.pemRepresentation])
          #expect(refused.code == "seal-key-malformed" && !refused.text.contains("PRIVATE"), "\(refused.text)")
          let unknown = try await client.json(
            .POST, "/v1/hubs/none/seal-key", ["sealKey": own.publicKey.pemRepresentation])
          #expect(unknown.status == 404, "\(unknown.text)")
        }
        let misused = try await instance.muster("hub", "seal-key", "plant", "--hpke-key", secret)
        #expect(misused.status == 2 && !misused.errors.contains("PRIVATE"), "\(misused.errors)")
        #expect(try await instance.muster("hub", "seal-key", "plant").status == 2)
        _ = try await instance.muster("hub", "seal-key", "plant", "--hpke-key", registered).succeeded()
        #expect(try await read(instance, plant, "pump-1", "--seal-key", secret) == keys)
        #expect(try await read(instance, plant, "pump-1", "--plain") == keys)
        let listed = try await instance.muster("hub", "list", "--output", "csv").succeeded()
        #expect(listed.contains(SealKey(of: own).digest.hex))

        let next = instance.folder.file("next.pem")
        _ = try await instance.muster("hub", "seal-key", "plant", "--seal-key-out", next).succeeded()
        let old = try await Program.muster(
          ["hub", "credentials", "pump-1", "--seal-key", secret, "--out", "-"],
          environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": plant])
        #expect(old.status == 1 && old.errors.contains("registered anew"), "\(old.errors)")
        #expect(try await read(instance, plant, "--seal-key", next) == keys)
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a fleet is read whole or not at all`() async throws {
      try await with(["hub.read-keys"]) { instance in
        let sealKey = instance.folder.file("plant.seal.pem")
        let plant = try await addHub(instance, ["--seal-key-out", sealKey])
        let keys = try await enroll(["pump-1", "pump-2", "pump-3"], instance)
        #expect(try await read(instance, plant, "--seal-key", sealKey) == keys)
        let stream = try await instance.withClient(plant) { client in
          try await client.send(.GET, "/v1/hub/credentials?keys=sealed").body
        }
        let opener = CredentialOpener(
          hub: try HubIdentity(file: plant).hub, key: try readSealKey(sealKey), verifier: nil)
        for size in [1, 7, 4096, stream.count] {
          var (whole, devices) = (FleetLines(opener: opener), 0)
          for start in Swift.stride(from: 0, to: stream.count, by: size) {
            try whole.take(Array(stream[start..<min(start + size, stream.count)])) { _ in devices += 1 }
          }
          #expect(try whole.end() == 3 && devices == 3)
        }
        for cut in [0, 10, stream.count / 2, stream.count - 14, stream.count - 1] {
          var fleet = FleetLines(opener: opener)
          try fleet.take(Array(stream.prefix(cut))) { _ in }
          #expect(throws: CommandFailure.self, "\(cut)") { try fleet.end() }
        }
        // A line that was taken out, and one of another device's keys.
        let lines = stream.split(separator: UInt8(ascii: "\n")).map { Array($0) }
        var fleet = FleetLines(opener: opener)
        try fleet.take(Array((lines.prefix(2) + lines.suffix(1)).joined(separator: [UInt8(ascii: "\n")])) + [10]) { _ in
        }
        #expect(throws: CommandFailure.self) { try fleet.end() }
        let text = String(decoding: lines[1], as: UTF8.self).replacing("pump-1", with: "pump-2")
        var swapped = FleetLines(opener: opener)
        #expect(throws: CommandFailure.self) {
          try swapped.take(lines[0] + [10] + Array(text.utf8) + [10]) { _ in }
        }
      }
    }
  }
}
