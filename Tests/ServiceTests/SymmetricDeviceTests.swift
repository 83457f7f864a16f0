import Enrollment
import Foundation
import HubAccess
import KeyVault
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// Devices with symmetric keys, as a line makes them and as a board with its group's key enrolls.
  @Suite struct SymmetricDeviceTests {
    /// A station of an order for group `meters`, which the hub `plant` sees.
    private func prepare(_ instance: ServedInstance) async throws -> (station: String, hub: String) {
      _ = try await instance.muster("group", "add", "meters").succeeded()
      let hub = instance.folder.file("plant.pem")
      _ = try await instance.muster(
        "hub", "add", "plant", "--host", "mqtt.example", "--group", "meters", "--out", hub
      ).succeeded()
      let station = try await instance.add("line-1", .factoryLine, ["--group", "meters"])
      _ = try await instance.muster(
        "factory", "order", "add", "june", "--station", "line-1", "--group", "meters", "--count", "9"
      ).succeeded()
      return (station, hub)
    }

    private func verify(_ token: String, _ hub: TestClient) async throws -> TokenResult {
      struct Answer: Decodable { let results: [TokenResult] }
      let answer = try await hub.json(.POST, "/v1/hub/tokens/verify", ["tokens": [token]])
      try #require(answer.status == 200, "\(answer.text)")
      return try #require(try JSONDecoder().decode(Answer.self, from: Data(answer.body)).results.first)
    }

    private func token(_ device: String, _ key: String) throws -> String {
      let bytes = try #require(Data(base64Encoded: key))
      return SharedAccessToken.make(
        host: "mqtt.example", deviceID: try #require(DeviceID(device)),
        expires: SystemClock().now() + .seconds(600), key: try #require(DeviceKey(SecretBytes(copying: bytes))))
    }

    @Test(arguments: [DeviceCredentials.key, .both])
    func `a station's bundle holds the keys until the board is confirmed`(credentials: DeviceCredentials) async throws {
      try await ServedInstance.with { instance in
        let (station, plant) = try await prepare(instance)
        let manifest = try instance.folder.write(
          "hardware_id,device_id\nmac:aabbcc001122,meter-1\nmac:aabbcc001133,meter-2\n", to: "boards.csv")
        let out = instance.folder.file("made")
        func factory(_ arguments: String...) async throws -> Ran {
          try await Program.muster(
            ["factory"] + arguments,
            environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": station])
        }
        let made = try await factory(
          "provision", "--manifest", manifest, "--out", out, "--credentials", credentials.rawValue)
        #expect(made.status == 0 && made.output.hasPrefix("2 made"), "\(made.errors)")
        let file = out + "/meter-1/device-keys.json"
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        let hasCertificate = FileManager.default.fileExists(atPath: out + "/meter-1/certificate.pem")
        #expect(hasCertificate == credentials.hasCertificate)
        let keys = try #require(FlatObject(try Data(contentsOf: URL(fileURLWithPath: file)).dropLast()))
        try await instance.withClient(plant) { hub in
          for slot in ["primary", "secondary"] {
            let result = try await verify(try token("meter-1", try #require(keys.text(slot))), hub)
            #expect(result.valid && result.keyVersion.map { UInt64($0) } == keys.number(slot + "Version"))
          }
        }
        let again = try await factory(
          "provision", "--manifest", manifest, "--out", out, "--credentials", credentials.rawValue)
        #expect(again.output.hasPrefix("0 made, 2 there already"))
        _ = try await factory("confirm", "--out", out, "--all").succeeded()
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(!FileManager.default.fileExists(atPath: out + "/meter-1/private-key.pem"))
        let history = try await instance.muster("device", "history", "meter-1", "--output", "csv").succeeded()
        #expect(history.contains("keys confirmed") && !history.contains("delivered again"))
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a row with the same claim gets the same keys, each time on record, until it is confirmed`() async throws
    {
      try await ServedInstance.with { instance in
        let (station, _) = try await prepare(instance)
        let batch = RecordID(.batch, UUIDv7(at: SystemClock().now())).description
        try await instance.withClient(station) { client in
          func ask(_ claim: UInt8) async throws -> FlatObject {
            let claim = Data(repeating: claim, count: 32).base64EncodedString()
            let row =
              #"{"claim":"\#(claim)","credentials":"key","deviceID":"meter-1","hardware":"mac:aabbcc001122","row":1}"#
            let answer = try await client.send(
              .POST, "/v1/orders/june/enrollments?batch=\(batch)", [("Content-Type", "application/x-ndjson")],
              body: Array((row + "\n").utf8))
            let line = try #require(answer.text.split(separator: "\n").last)
            return try #require(FlatObject(line.utf8))
          }
          let first = try await ask(1)
          // Another station of the same group ends nothing that is not its own: the keys are handed out again.
          try await instance.withClient(try await instance.add("line-2", .factoryLine, ["--group", "meters"])) {
            other in
            let answer = try await other.json(
              .POST, "/v1/orders/june/confirmations", ConfirmationInput(devices: ["meter-1"]))
            #expect(answer.code == "station-other")
          }
          let again = try await ask(1)
          #expect(first.text("primary") != nil && first.text("primary") == again.text("primary"))
          #expect(first.text("secondary") == again.text("secondary") && first.text("certificate") == nil)
          #expect(try await ask(2).text("code") == "hardware-provisioned")
          let confirmed = try await client.json(
            .POST, "/v1/orders/june/confirmations", ConfirmationInput(devices: ["meter-1"]))
          #expect(confirmed.text == #"{"confirmed":1}"#)
          let other = try await client.json(
            .POST, "/v1/orders/june/confirmations", ConfirmationInput(devices: ["meter-9"]))
          #expect(other.code == "device-unknown")
          #expect(try await ask(1).text("code") == "keys-not-delivered")
        }
        let history = try await instance.muster("device", "history", "meter-1", "--output", "csv").succeeded()
        #expect(history.split(separator: "\n").count { $0.contains("delivered again") } == 1)
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a board enrolls by its group's key, and proves itself by another`() async throws {
      try await ServedInstance.with { instance in
        let (_, plant) = try await prepare(instance)
        _ = try await instance.muster(
          "key", "create", "boards", "--kind", "group-enrollment", "--group", "meters"
        ).succeeded()
        let line = try await instance.muster("key", "boards", "boards", "dev-0001").succeeded()
        let derived = try #require(line.split(whereSeparator: { ",\n".contains($0) }).last)
        let key = try #require(Data(base64Encoded: String(derived)).flatMap { DeviceKey(SecretBytes(copying: $0)) })
        let claim = Data(repeating: 7, count: 32).base64EncodedString()
        func body(_ key: DeviceKey) throws -> [String: String] {
          let token = EnrollmentToken.make(
            group: try #require(RecordName("meters")), registrationID: "dev-0001",
            expires: SystemClock().now() + .seconds(600), key: key)
          return ["token": token, "credentials": "key", "claim": claim]
        }
        struct Enrolled: Decodable {
          let deviceID: String
          let keys: IssuedKeys
        }
        try await instance.withClient { client in
          #expect(try await client.json(.POST, "/v1/enrollments", body(.random())).code == "token-wrong")
          let answer = try await client.json(.POST, "/v1/enrollments", body(key))
          try #require(answer.status == 200, "\(answer.text)")
          let enrolled = try JSONDecoder().decode(Enrolled.self, from: Data(answer.body))
          #expect(enrolled.deviceID == "dev-0001" && enrolled.keys.primary.key != String(derived))
          let own = try token("dev-0001", enrolled.keys.primary.key)
          let derivedToken = try token("dev-0001", String(derived))
          let results = try await instance.withClient(plant) { hub in
            [try await verify(own, hub), try await verify(derivedToken, hub)]
          }
          #expect(results.map(\.valid) == [true, false] && results[1].code == "token-signature")
          for _ in 0..<19 { _ = try await client.json(.POST, "/v1/enrollments", body(.random())) }
          #expect(try await client.json(.POST, "/v1/enrollments", body(key)).status == 429)
        }
        let listed = try await instance.muster("key", "list", "--output", "csv").succeeded()
        #expect(listed.contains("boards,group-enrollment,meters,1,active"), "\(listed)")
        let shown = try await instance.muster("device", "show", "dev-0001").succeeded()
        #expect(shown.contains("active, primary, check") && shown.contains("active, secondary, check"), "\(shown)")
        try await instance.expectWholeLedger()
      }
    }
  }
}
