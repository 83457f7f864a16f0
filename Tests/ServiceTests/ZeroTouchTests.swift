import Enrollment
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests.FactoryTests {
  /// A manifest that becomes an allowlist: boards enroll by themselves, by the order and as the devices of their rows.
  @Suite struct ZeroTouchTests {
    let line = ServiceTests.FactoryTests()

    // MARK: - By a one-time secret

    @Test func `a board enrolls by its one-time secret, is of the order and the batch, and a rerun makes no second`()
      async throws
    {
      try await ServedInstance.with { instance in
        let station = try await line.station("line-1", order: "june", count: 5, instance)
        let manifest = try boards(1...3, instance)
        let ran = try await allow(instance, station, manifest, ["--secrets"])
        #expect(ran.status == 0 && ran.output == "3 allowed, 0 there already, 0 refused\n", "\(ran.errors)")
        let file = instance.folder.file("allowed/secrets.csv")
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        let secrets = try secrets(instance)
        #expect(secrets.map(\.device) == ["meter-1", "meter-2", "meter-3"])
        #expect(Set(secrets.map(\.code)).count == 3)
        #expect(!(try instance.folder.read("allowed/.station/allowing")).contains("seed"))

        try await instance.withClient { client in
          let key = try PeerKey().request(commonName: "x")
          let answer = try await client.enroll("meter-1", secrets[0].code, key)
          #expect(answer.status == 200, "\(answer.text)")
          #expect(try await client.enroll("meter-1", secrets[0].code, key) == answer)
          let other = try PeerKey().request(commonName: "x")
          #expect(try await client.enroll("meter-1", secrets[0].code, other).text.contains("used by another key"))
          #expect(try await client.enroll("meter-2", secrets[0].code, other).status == 401)
        }
        let device = try await detail("meter-1", instance)
        let made = try #require(device.provisioned)
        #expect(made.order?.text == "june" && made.station?.text == "line-1" && device.summary.group?.text == "meters")
        #expect(try await instance.muster("device", "show", "meter-1").succeeded().contains("june, by line-1, bat_"))
        let batch = try await instance.muster("device", "list", "--batch", made.batch.description).succeeded()
        #expect(batch.contains("meter-1") && !batch.contains("meter-2"))
        #expect(try await line.shown("june", instance).made == 1)

        let kept = try instance.folder.read("allowed/secrets.csv")
        let again = try await allow(instance, station, manifest, ["--secrets"])
        #expect(again.output == "0 allowed, 3 there already, 0 refused\n", "\(again.errors)")
        #expect(try instance.folder.read("allowed/secrets.csv") == kept)
        try FileManager.default.removeItem(atPath: file)
        let printed = try await allow(instance, station, manifest, ["--secrets"])
        #expect(printed.status == 0 && printed.output == "0 allowed, 3 there already, 0 refused\n")
        #expect(
          printed.errors.contains("2 boards have a secret that holds and was given out before"), "\(printed.errors)")
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(try await tickets(instance).count == 3)
        try await instance.expectWholeLedger()
      }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/pki")))
    func `strongSwan's pki enrolls with a one-time secret`() async throws {
      try await ServedInstance.with { instance in
        let station = try await line.station("line-1", order: "june", count: 5, instance)
        _ = try await allow(instance, station, try boards(1...1, instance), ["--secrets"]).succeeded()
        let secret = try secrets(instance)[0]
        let request = instance.folder.file("request.der")
        _ = try await run(
          "openssl",
          [
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=meter-1",
            "-keyout", instance.folder.file("meter-1.key"), "-outform", "DER", "-out", request,
          ]
        ).succeeded()
        let options = try instance.folder.write("--userpass \(secret.device):\(secret.code)\n", to: "pki.options")
        let certificate = try await run(
          "pki",
          [
            "--est", "--url", instance.service.server, "--cacert", instance.root, "--in", request, "--options", options,
            "--outform", "pem",
          ]
        ).succeeded()
        #expect(certificate.hasPrefix("-----BEGIN CERTIFICATE-----"))
        #expect(try await detail("meter-1", instance).provisioned?.order?.text == "june")
      }
    }

    @Test func `of boards that race for what an order has left, as many enroll as it has, and it tells of the others`()
      async throws
    {
      try await ServedInstance.with { instance in
        let station = try await line.station("line-1", order: "june", count: 3, instance)
        let ran = try await allow(instance, station, try boards(1...12, instance), ["--secrets"])
        #expect(ran.status == 0 && ran.errors.contains("order june makes 3 devices"), "\(ran.errors)")
        let secrets = try secrets(instance)
        let answers = try await instance.withClient { client in
          try await withThrowingTaskGroup(of: TestClient.Answer.self) { group in
            for secret in secrets {
              let request = try PeerKey().request(commonName: secret.device)
              group.addTask { try await client.enroll(secret.device, secret.code, request) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
          }
        }
        #expect(answers.count { $0.status == 200 } == 3)
        #expect(
          answers.count { $0.status == 409 && $0.text.contains("all 3 of june made") } == 9, "\(answers.map(\.text))")
        let order = try await line.shown("june", instance)
        #expect(order.made == 3 && order.state == .full && order.lastRefusal?.code == "order-exhausted")
        try await instance.expectWholeLedger()
      }
    }

    @Test func `of keys that race with one secret one has the board, and the others are told that it is used`()
      async throws
    {
      try await ServedInstance.with { instance in
        let station = try await line.station("line-1", order: "june", count: 5, instance)
        _ = try await allow(instance, station, try boards(1...1, instance), ["--secrets"]).succeeded()
        let secret = try #require(try secrets(instance).first)
        let answers = try await instance.withClient { client in
          try await withThrowingTaskGroup(of: TestClient.Answer.self) { group in
            for _ in 0..<16 {
              let request = try PeerKey().request(commonName: secret.device)
              group.addTask { try await client.enroll(secret.device, secret.code, request) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
          }
        }
        #expect(answers.count { $0.status == 200 } == 1)
        #expect(answers.count { $0.status == 409 && $0.text.contains("used by another key") } == 15)
        #expect(try await line.shown("june", instance).made == 1)
        try await instance.expectWholeLedger()
      }
    }

    @Test func `an order's end and its closing end the secrets of it`() async throws {
      try await ServedInstance.with { instance in
        let station = try await line.station("line-1", order: "june", count: 5, instance)
        _ = try await allow(instance, station, try boards(1...1, instance), ["--secrets", "--valid", "366d"])
          .succeeded()
        let secret = try secrets(instance)[0]
        _ = try await instance.muster("factory", "order", "close", "june").succeeded()
        try await instance.withClient { client in
          let answer = try await client.enroll(secret.device, secret.code, try PeerKey().request(commonName: "x"))
          #expect(answer.status == 409 && answer.text.contains("june closed"), "\(answer.text)")
        }
        #expect(try await line.shown("june", instance).lastRefusal?.code == "order-closed")
        _ = try await line.station("line-2", order: "july", count: 5, instance)
        let long = try await allow(
          instance, instance.administrator, try boards(1...1, instance), ["--secrets", "--valid", "367d"], order: "july"
        )
        #expect(long.status == 3)
        #expect(try instance.folder.read("allowed/refused.csv").contains("secret-lifetime"))
      }
    }

    @Test func `killed and gone on with, as is the service, each board has one secret, and it enrolls`() async throws {
      try await ServedInstance.with { instance in
        let station = try await line.station("line-1", order: "june", count: 5000, instance)
        let count = 2000
        let manifest = try boards(1...count, instance)
        let arguments = [
          "allow", "--manifest", manifest, "--order", "june", "--out", instance.folder.file("allowed"), "--secrets",
        ]
        let file = instance.folder.file("allowed/secrets.csv")
        for lines in [300, 900] {
          let process = try StationProcess(instance, station, log: instance.folder.file("allow.log"), arguments)
          #expect(await process.reached(lines, in: file + ".new"), "\(process.errors)")
          await process.end(SIGKILL)
          #expect(!FileManager.default.fileExists(atPath: file))
        }
        let last = try StationProcess(instance, station, log: instance.folder.file("allow.log"), arguments)
        #expect(await last.reached(1200, in: file + ".new"), "\(last.errors)")
        try await instance.killAndStartAgain()
        #expect(await last.ended() == 0, "\(last.errors)")

        let secrets = try secrets(instance)
        #expect(secrets.count == count && Set(secrets.map(\.device)).count == count)
        #expect(try await tickets(instance).count == count)
        try await instance.withClient { client in
          for secret in [secrets[0], secrets[899], secrets[count - 1]] {
            let answer = try await client.enroll(secret.device, secret.code, try PeerKey().request(commonName: "x"))
            #expect(answer.status == 200, "\(answer.text)")
          }
        }
        let first = try #require(try await detail("meter-1", instance).provisioned)
        #expect(try await detail("meter-\(count)", instance).provisioned?.batch == first.batch)
        try await instance.expectWholeLedger()
      }
    }

    // MARK: - By the maker's certificate

    @Test func `a board with its maker's certificate becomes the device of its row, without any ticket`() async throws {
      try await ServedInstance.with { instance in
        let maker = try await MakerPKI(instance.folder)
        _ = try await instance.muster("group", "add", "meters", "--trust", maker.root).succeeded()
        let station = try await line.station("line-1", order: "june", count: 2, instance)
        let serials = ["SN-1", "SN-2", "SN-3"]
        let manifest = try instance.folder.write(
          line.csv(try serials.enumerated().map { "\(try maker.hardware($1)),meter-\($0 + 1)" }), to: "boards.csv")
        let ran = try await allow(instance, station, manifest)
        #expect(ran.status == 0 && ran.output == "3 allowed, 0 there already, 0 refused\n", "\(ran.errors)")
        #expect(!FileManager.default.fileExists(atPath: instance.folder.file("allowed/secrets.csv")))

        let key = try PeerKey().request(commonName: "x")
        let first = try await enroll(try await maker.board("SN-1"), key, instance)
        #expect(first.status == 200, "\(first.text)")
        let device = try await detail("meter-1", instance)
        let shown = try maker.hardware("SN-1")
        #expect(device.evidence == .idevid && device.hardware.map(\.hardware.description) == [shown])
        #expect(device.provisioned?.order?.text == "june" && device.provisioned?.station?.text == "line-1")
        #expect(try await enroll(instance.folder.file("SN-1.pem"), key, instance) == first)
        #expect(try await enroll(try await maker.board("SN-2"), nil, instance).status == 200)
        #expect(try await line.shown("june", instance).made == 2)

        // One more than the order makes, and then one that stands in no row: it has no part in the order.
        let more = try await enroll(try await maker.board("SN-3"), nil, instance)
        #expect(more.status == 409 && more.text.contains("all 2 of june made"), "\(more.text)")
        #expect(try await line.shown("june", instance).lastRefusal?.code == "order-exhausted")
        #expect(try await enroll(try await maker.board("SN-4"), nil, instance).status == 200)
        #expect(try await detail("SN-4", instance).provisioned == nil)

        let again = try await allow(instance, station, manifest)
        #expect(again.output == "0 allowed, 3 there already, 0 refused\n", "\(again.errors)")
        // What was retired does not come back by itself, and is of the order no more.
        _ = try await instance.muster("device", "retire", "meter-1").succeeded()
        let retired = try await enroll(instance.folder.file("SN-1.pem"), nil, instance)
        #expect(retired.text.contains("left its device"), "\(retired.text)")
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a second station is told who allowed a board and when, and blocked hardware is refused`() async throws {
      try await ServedInstance.with { instance in
        let maker = try await MakerPKI(instance.folder)
        _ = try await instance.muster("group", "add", "meters", "--trust", maker.root).succeeded()
        let first = try await line.station("line-1", order: "june", count: 5, instance)
        let second = try await line.station("line-2", order: "july", count: 5, instance)
        let (listed, secret) = (try maker.hardware("SN-1"), "mac:aabbcc000001")
        let rows = [listed, secret].enumerated().map { "\($1),meter-\($0 + 1)" }
        for (row, options) in zip(rows, [[], ["--secrets"]]) {
          let manifest = try instance.folder.write(line.csv([row]), to: "boards.csv")
          _ = try await allow(instance, first, manifest, options).succeeded()
          let other = try await allow(instance, second, manifest, options, order: "july", out: "second")
          #expect(other.status == 3, "\(other.output)")
          let refused = try instance.folder.read("second/refused.csv")
          #expect(refused.contains("hardware-allowed") && refused.contains("by line-1 at 2"), "\(refused)")
        }
        let manifest = try instance.folder.write(line.csv([rows[0]]), to: "boards.csv")
        let made = try await line.provision(instance, second, manifest, instance.folder.file("made"), order: "july")
        #expect(made.status == 3)
        #expect(try instance.folder.read("made/refused.csv").contains("hardware-allowed"))

        _ = try await instance.muster("hardware", "block", listed).succeeded()
        _ = try await instance.muster("hardware", "block", secret).succeeded()
        let stopped = try await enroll(try await maker.board("SN-1"), nil, instance)
        #expect(stopped.status == 403 && stopped.text.contains("on the blocklist"), "\(stopped.text)")
        let code = try secrets(instance)[0]
        try await instance.withClient { client in
          let answer = try await client.enroll(code.device, code.code, try PeerKey().request(commonName: "x"))
          #expect(answer.status == 403 && answer.text.contains("on the blocklist"), "\(answer.text)")
        }
        let blocked = try await allow(instance, first, manifest)
        #expect(blocked.status == 3)
        #expect(try instance.folder.read("allowed/refused.csv").contains("hardware-blocked"))

        // An order that is over holds nothing back.
        _ = try await instance.muster("hardware", "unblock", secret).succeeded()
        _ = try await instance.muster("factory", "order", "close", "june").succeeded()
        let late = try instance.folder.write(line.csv([rows[1]]), to: "late.csv")
        let taken = try await allow(instance, second, late, ["--secrets"], order: "july", out: "third")
        #expect(taken.output.hasPrefix("1 allowed"), "\(taken.output)")
        try await instance.expectWholeLedger()
      }
    }

    // MARK: - Rows

    @Test func `each bad row is named with its line, its code and why, and --check makes nothing`() async throws {
      try await ServedInstance.with { instance in
        let station = try await line.station("line-1", order: "june", count: 5, instance)
        _ = try await instance.muster("hardware", "block", "mac:aabbcc000002").succeeded()
        _ = try await instance.enroll("meter-3", "mac:aabbcc00000f")
        let rows = [
          "mac:aabbcc000001,meter-1", "mac:aabbcc000002,meter-2", "mac:aabbcc000003,meter-3", "nothing,meter-4",
          "mac:aabbcc000001,meter-5", "mac:aabbcc000006,no device ID", "mac:aabbcc00000f,meter-7",
        ]
        let manifest = try instance.folder.write(line.csv(rows), to: "boards.csv")
        let codes = [
          (3, "hardware-blocked"), (4, "device-id-taken"), (5, "hardware-id-malformed"), (6, "hardware-twice"),
          (7, "device-id-malformed"), (8, "hardware-bound"),
        ]
        let checked = try await allow(instance, station, manifest, ["--secrets", "--check"])
        #expect(checked.status == 3)
        for (number, code) in codes {
          #expect(checked.lines.contains { $0.hasPrefix("line \(number): \(code): ") }, "\(code): \(checked.output)")
        }
        #expect(try await tickets(instance).count == 1)
        let ran = try await allow(instance, station, manifest, ["--secrets"])
        #expect(ran.status == 3 && ran.output.hasPrefix("1 allowed, 0 there already, 6 refused: "), "\(ran.output)")
        let refused = try instance.folder.read("allowed/refused.csv")
        for (_, code) in codes { #expect(refused.contains(code), "\(code)") }
        #expect(try await tickets(instance).count == 2)

        let unprovable = try await allow(instance, station, manifest, ["--check"])
        #expect(unprovable.lines.contains { $0.hasPrefix("line 2: hardware-unprovable: ") }, "\(unprovable.output)")
        let stranger = try await instance.add("engineer", .fieldEngineer)
        let none = try await allow(instance, stranger, manifest, ["--secrets"])
        #expect(none.status == 1 && none.errors.contains("not-allowed"), "\(none.errors)")
        let other = try await line.station("line-2", order: "july", count: 5, instance)
        let foreign = try await allow(instance, other, manifest, ["--secrets"], out: "foreign")
        #expect(foreign.status == 3)
        #expect(try instance.folder.read("foreign/refused.csv").contains("station-other"))
      }
    }

    @Test func `rows that are none, or ask for what there is not, are refused one by one`() async throws {
      try await ServedInstance.with { instance in
        let station = try await line.station("line-1", order: "june", count: 5, instance)
        let path = "/v1/orders/june/allowances?batch=\(line.newBatch())"
        let board = #""deviceID":"meter-1","hardware":"mac:aabbcc000001","row":7"#
        let rows: [(String, String?)] = [
          ("{\(board),\"secret\":\"0123-4567-89ab-cdef\"}", "secret-lifetime"),
          ("{\(board),\"secret\":\"0123\",\"validSeconds\":600}", "secret-malformed"),
          ("{\(board),\"validSeconds\":600}", "secret-malformed"),
          ("{\(board),\"secret\":\"0123-4567-89ab-cdef\",\"validSeconds\":59}", "secret-lifetime"),
          ("{\(board),\"secret\":\"0123-4567-89ab-cdef\",\"validSeconds\":9007199254740991}", "secret-lifetime"),
          ("{\(board),\"csr\":\"\"}", "field-unknown"), ("{\(board)}", "hardware-unprovable"),
          ("{\"group\":\"pumps\",\(board)}", "group-mismatch"), ("{}", "row-malformed"),
          ("{\(board),\"secret\":\"0123-4567-89ab-cdef\",\"validSeconds\":600}", nil),
        ]
        try await instance.withClient(station) { client in
          for (row, code) in rows {
            let answer = try await client.send(
              .POST, path, [("Content-Type", "application/x-ndjson")], body: Array((row + "\n").utf8))
            #expect(answer.status == 200 && FlatObject(answer.body.dropLast())?.text("code") == code, "\(answer.text)")
          }
        }
        #expect(try await tickets(instance).count == 1)
      }
    }

    // MARK: - The line

    func boards(_ numbers: ClosedRange<Int>, _ instance: ServedInstance) throws -> String {
      let rows = numbers.map { number in
        let digits = String(number, radix: 16)
        return "mac:aabb" + String(repeating: "0", count: 8 - digits.count) + digits + ",meter-\(number)"
      }
      return try instance.folder.write(line.csv(rows), to: "boards.csv")
    }

    func allow(
      _ instance: ServedInstance, _ station: String, _ manifest: String, _ options: [String] = [],
      order: String = "june", out: String = "allowed"
    ) async throws -> Ran {
      try await Program.muster(
        ["factory", "allow", "--manifest", manifest, "--order", order, "--out", instance.folder.file(out)] + options,
        environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": station])
    }

    func secrets(_ instance: ServedInstance) throws -> [(device: String, code: String)] {
      try instance.folder.read("allowed/secrets.csv").split(separator: "\n").dropFirst().map {
        let cells = $0.split(separator: ",").map(String.init)
        return (cells[1], cells[2])
      }
    }

    func enroll(_ board: String, _ csr: [UInt8]?, _ instance: ServedInstance) async throws -> TestClient.Answer {
      let csr = try csr ?? PeerKey().request(commonName: "x")
      return try await instance.withClient(board) {
        try await $0.send(
          .POST, "/.well-known/est/simpleenroll", [("Content-Type", "application/pkcs10")],
          body: Array(Data(csr).base64EncodedString().utf8))
      }
    }

    func detail(_ device: String, _ instance: ServedInstance) async throws -> DeviceDetail {
      let shown = try await instance.muster("device", "show", device, "--output", "json").succeeded()
      return try JSONDecoder().decode(DeviceDetail.self, from: Data(shown.utf8))
    }

    func tickets(_ instance: ServedInstance) async throws -> [TicketSummary] {
      try await instance.muster("ticket", "list", "--output", "json").succeeded().split(separator: "\n")
        .map { try JSONDecoder().decode(TicketSummary.self, from: Data($0.utf8)) }
    }
  }
}
