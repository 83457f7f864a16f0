import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// `kill -9` while key-encryption keys change under requests.
  @Suite struct RotationKillTests {
    private let devices = 24

    @Test func `no key that was answered is lost when the service is killed while it re-wraps`() async throws {
      var random = SeededGenerator(seed: 20_261_129)
      try await ServedInstance.with { instance in
        try await enroll(instance)
        var answered: [String: String] = [:]
        var rotations = 0
        for round in 0..<8 {
          let client = try instance.client(instance.administrator)
          // The last one may not be done yet, which is no failure of this one's.
          let rotated = try await client.send(.POST, "/v1/vault/rotate-kek")
          #expect([200, 409].contains(rotated.status), "\(rotated.text)")
          rotations += rotated.status == 200 ? 1 : 0
          let count = Int.random(in: 1...devices, using: &random)
          let (keys, unsure) = await rekey(client, round, killing: instance.service, after: count)
          answered.merge(keys) { $1 }
          for device in unsure { answered[device] = nil }
          await client.shutdown()
          await instance.service.end(SIGKILL)
          try await instance.start()
          // Not each time: so some rotations are killed again and again before they are done.
          if round % 3 == 2 { try await awaitOneKEK(instance) }
        }
        #expect(rotations > 1 && answered.count > devices / 2)
        try await awaitOneKEK(instance)
        try await instance.expectWholeLedger()
        await instance.service.end()
        try await expectKept(answered, instance)
      }
    }

    private func enroll(_ instance: ServedInstance) async throws {
      for number in 0..<devices { _ = try await instance.enroll("pump-\(number)", "cpu-serial:feed\(1000 + number)") }
    }

    /// New keys, for six devices at a time, until so many were answered and the service is killed. Of the devices whose request
    /// was cut off nobody knows whether it was done.
    private func rekey(
      _ client: TestClient, _ round: Int, killing service: ServiceProcess, after count: Int
    ) async -> (answered: [String: String], unsure: Set<String>) {
      await withTaskGroup(of: (String, String?).self) { group in
        var waiting = (0..<devices).map { "pump-\(($0 + round * 7) % devices)" }[...]
        func next() {
          guard let device = waiting.popFirst() else { return }
          group.addTask {
            guard let answer = try? await client.send(.POST, "/v1/devices/\(device)/keys"), answer.status == 200,
              let keys = try? JSONDecoder().decode(IssuedKeys.self, from: Data(answer.body))
            else { return (device, nil) }
            return (device, keys.primary.key)
          }
        }
        for _ in 0..<6 { next() }
        var (answers, unsure): ([String: String], Set<String>) = ([:], [])
        for await (device, key) in group {
          if let key { answers[device] = key } else { unsure.insert(device) }
          if answers.count == count { kill(service.pid, SIGKILL) }
          if answers.count < count { next() }
        }
        return (answers, unsure)
      }
    }

    private func awaitOneKEK(_ instance: ServedInstance) async throws {
      let client = try instance.client(instance.administrator)
      var keks: [UInt32] = []
      repeat {
        let answer = try await client.send(.GET, "/v1/vault")
        keks = try JSONDecoder().decode(VaultStatus.self, from: Data(answer.body)).keks
      } while keks.count > 1
      await client.shutdown()
    }

    private func expectKept(_ answered: [String: String], _ instance: ServedInstance) async throws {
      try await OpenInstance.with(instance.data) { opened in
        let secrets = try await opened.readers.secrets(purpose: DeviceKeyPair.purpose)
        let newest = try opened.instance.vault.currentKEK
        #expect(secrets.allSatisfy { Vault.kek(of: $0.bytes) == newest })
        let kept = try secrets.map { sealed in
          try opened.instance.vault.open(sealed).withUnsafeBytes { Data($0).base64EncodedString() }
        }
        for (device, key) in answered { #expect(kept.contains(key), "\(device)") }
      }
    }
  }
}
