import Enrollment
import Foundation
import MusterModel
import MusterTesting
import NIOCore
import Synchronization
import Testing

@testable import muster

extension ServiceTests {
  /// The factory line as a process: cut off anywhere, gone on with, nothing twice and nothing lost.
  @Suite struct FactoryTests {
    @Test func `a thousand boards are made, though the station and the service are killed meanwhile`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 5000, instance)
        var lines = (0..<1000).map { "cpu-serial:\(board($0)),meter-\($0)" }
        lines[100] = "cpu-serial:\(board(100)),not a device ID"
        lines[500] = "cpu-serial:\(board(499)),meter-500"
        lines[900] = "nothing,meter-900"
        let manifest = try instance.folder.write(csv(lines), to: "boards.csv")
        let out = instance.folder.file("made")

        let first = try StationProcess(instance, station, manifest, out)
        #expect(await first.reached(200, in: out + "/.station/journal"))
        await first.end(SIGKILL)

        let second = try StationProcess(instance, station, manifest, out)
        #expect(await second.reached(700, in: out + "/.station/journal"))
        try await instance.killAndStartAgain()
        #expect(await second.ended() == 3, "\(second.errors)")

        try expectFolders(in: out, 997)
        let refused = try String(contentsOfFile: out + "/refused.csv", encoding: .utf8).split(separator: "\n")
        #expect(refused.count == 4)
        for code in ["device-id-malformed", "hardware-twice", "hardware-id-malformed"] {
          #expect(refused.contains { $0.contains(code) }, "\(code)")
        }
        let again = try await provision(instance, station, manifest, out)
        #expect(again.status == 3 && again.output.hasPrefix("0 made, 997 there already, 3 refused"), "\(again.output)")
        try await expectOneIdentityEach(997, instance)
        #expect(try await shown("june", instance).made == 997)
        try await instance.expectWholeLedger()
      }
    }

    @Test func `what a station is given is whole, and its own`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 5, instance)
        let own = try PeerKey().request(commonName: "meter-2")
        let manifest = try instance.folder.write(
          """
          {"hardware_id":"cpu-serial:\(board(1))","device_id":"meter-{n:03}","tags":"site=Köln;lot=7"}
          {"hardware_id":"cpu-serial:\(board(2))","device_id":"meter-2","csr":"\(Data(own).base64EncodedString())"}

          """, to: "boards.ndjson")
        let out = instance.folder.file("made")
        let ran = try await provision(instance, station, manifest, out)
        #expect(ran.status == 0 && ran.output == "2 made, 0 there already, 0 refused\n", "\(ran.errors)")
        #expect(!FileManager.default.fileExists(atPath: out + "/refused.csv"))

        let folder = out + "/meter-001"
        let file = try JSONDecoder().decode(
          DeviceFile.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/device.json")))
        #expect(file.generation == 1 && file.group == "meters" && file.tags == ["site": "Köln", "lot": "7"])
        #expect(file.order.text == "june" && file.endpoints.service == instance.service.server)
        let mode = try FileManager.default.attributesOfItem(atPath: folder + "/private-key.pem")[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(!FileManager.default.fileExists(atPath: out + "/meter-2/private-key.pem"))
        _ = try await run(
          "openssl",
          [
            "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", folder + "/trust.pem", "-untrusted",
            folder + "/certificate.pem", folder + "/certificate.pem",
          ]
        ).succeeded()
        let keys = [
          try await run("openssl", ["pkey", "-in", folder + "/private-key.pem", "-pubout"]).succeeded(),
          try await run("openssl", ["x509", "-in", folder + "/certificate.pem", "-noout", "-pubkey"]).succeeded(),
        ]
        #expect(keys[0] == keys[1])
        try await expectProved(folder, instance)
      }
    }

    /// What `device.json` holds is proved by someone who has the ledger's key alone, and by other code than Muster's.
    private func expectProved(_ folder: String, _ instance: ServedInstance) async throws {
      let content = try Data(contentsOf: URL(fileURLWithPath: folder + "/device.json"))
      let file = try JSONDecoder().decode(DeviceFile.self, from: content)
      let proof = try instance.folder.write(file.proof, to: "proof.txt")
      let key = instance.data + "/trust/ledger.vkey"
      let verified = try await Program.muster(["ledger", "verify", proof, "--key", key]).succeeded()
      #expect(verified.hasPrefix("the event at position \(file.position) is in the ledger"), "\(verified)")
      #expect(
        verified.contains("\"kind\":\"certificate-issued\"") && verified.contains(file.serial ?? "no serial"),
        "\(verified)")
      let vectors = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      let script = vectors.appending(path: "Vectors/verify-proof.py").path
      let verifier = try String(contentsOfFile: key, encoding: .utf8).trimmingCharacters(in: .newlines)
      let checked = try await run("python3", [script, proof, verifier]).succeeded()
      #expect(checked.hasPrefix("position \(file.position) of "), "\(checked)")
      let changed = try instance.folder.write(
        file.proof.replacing("index \(file.position)\n", with: "index \(file.position - 1)\n"), to: "changed.txt")
      #expect(try await run("python3", [script, changed, verifier]).status == 1)
    }

    @Test func `of two stations with the same boards each gets some, and is told who has the others`() async throws {
      try await ServedInstance.with { instance in
        let first = try await station("line-1", order: "june", count: 500, instance)
        let second = try await station("line-2", order: "july", count: 500, instance)
        let lines = (0..<300).map { "cpu-serial:\(board($0)),meter-\($0)" }
        let manifests = [
          try instance.folder.write(csv(lines), to: "first.csv"),
          try instance.folder.write(csv(lines.reversed()), to: "second.csv"),
        ]
        let outs = [instance.folder.file("one"), instance.folder.file("two")]
        let runs = [
          try StationProcess(instance, first, manifests[0], outs[0], order: "june"),
          try StationProcess(instance, second, manifests[1], outs[1], order: "july"),
        ]
        for run in runs { #expect([0, 3].contains(await run.ended()), "\(run.errors)") }

        let made = outs.map { folders(in: $0) }
        #expect(made[0].union(made[1]).count == 300 && made[0].isDisjoint(with: made[1]))
        for (out, other) in zip(outs, ["line-2", "line-1"]) {
          let refused = (try? String(contentsOfFile: out + "/refused.csv", encoding: .utf8)) ?? ""
          let rows = refused.split(separator: "\n").dropFirst()
          #expect(rows.count == 300 - folders(in: out).count)
          #expect(rows.allSatisfy { $0.contains("hardware-provisioned") && $0.contains("by \(other) at 2") })
        }
        try await expectOneIdentityEach(300, instance)
        try await instance.expectWholeLedger()
      }
    }

    @Test func `more than the order says is refused, and the order tells of it`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 10, instance)
        let lines = (0..<15).map { "cpu-serial:\(board($0)),meter-\($0)" }
        let manifest = try instance.folder.write(csv(lines), to: "boards.csv")
        let ran = try await provision(instance, station, manifest, instance.folder.file("made"))
        #expect(ran.status == 3 && ran.output.hasPrefix("10 made, 0 there already, 5 refused"), "\(ran.output)")
        let order = try await shown("june", instance)
        #expect(order.made == 10 && order.state == .full && order.lastRefusal?.code == "order-exhausted")
        // What was made is answered again, whatever became of the order.
        _ = try await instance.muster("factory", "order", "close", "june").succeeded()
        let rest = try await provision(instance, station, manifest, instance.folder.file("made"), order: "june")
        #expect(rest.output.hasPrefix("0 made, 10 there already, 5 refused"))
        #expect(try await shown("june", instance).lastRefusal?.code == "order-closed")
      }
    }

    @Test func `each refused row is an event or is counted`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 10, instance)
        let lines = (0..<60).map { "cpu-serial:\(board($0)),meter-\($0)" }
        let manifest = try instance.folder.write(csv(lines), to: "boards.csv")
        let ran = try await provision(instance, station, manifest, instance.folder.file("made"))
        #expect(ran.output.hasPrefix("10 made, 0 there already, 50 refused"), "\(ran.output)")
        await instance.service.end()
        let ledger = try await instance.onFolder("ledger", "export").succeeded().split(separator: "\n")
        let events = ledger.count { $0.contains("\"request-refused\"") && $0.contains("order-exhausted") }
        let counted = ledger.filter { $0.contains("\"refusals-counted\"") }
          .compactMap { $0.firstMatch(of: #/"total":(\d+)/#).flatMap { Int($0.1) } }.reduce(0, +)
        #expect((4..<50).contains(events) && events + counted == 50, "\(events) events, \(counted) counted")
        try await instance.start()
      }
    }

    @Test func `a station provisions by its own order alone, and an order names a station`() async throws {
      try await ServedInstance.with { instance in
        _ = try await station("line-1", order: "june", count: 10, instance)
        let other = try await station("line-2", order: "july", count: 10, instance)
        let engineer = try await instance.add("engineer", .fieldEngineer)
        let manifest = try instance.folder.write(csv(["cpu-serial:\(board(1)),meter-1"]), to: "boards.csv")
        let stranger = try await provision(instance, other, manifest, instance.folder.file("a"), order: "june")
        #expect(stranger.status == 3)
        #expect(try instance.folder.read("a/refused.csv").contains("station-other"))
        let none = try await provision(instance, engineer, manifest, instance.folder.file("b"), order: "june")
        #expect(none.status == 1 && none.errors.contains("not-allowed"), "\(none.errors)")
        let unknown = try await instance.muster(
          "factory", "order", "add", "x", "--station", "engineer", "--group", "meters", "--count", "1")
        #expect(unknown.status == 1 && unknown.errors.contains("station-unknown"))
      }
    }

    @Test func `a scanner's boards are made one by one, and a refused one ends nothing`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 10, instance)
        _ = try await instance.muster("hardware", "block", "cpu-serial:\(board(2))", "--reason", "dead").succeeded()
        let out = instance.folder.file("made")
        let scanned =
          "cpu-serial:\(board(1))\n\nnothing\ncpu-serial:\(board(2))\ncpu-serial:\(board(1))\nmac:aa:bb:cc:00:11:22\r\n"
        let ran = try await Program.muster(
          ["factory", "provision", "--watch", "--device-id", "meter-{serial}", "--out", out], input: scanned,
          environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": station])
        #expect(ran.status == 0, "\(ran.errors)")
        let beginnings = [
          "made meter-\(board(1)) cpu-serial:\(board(1)) ", "refused nothing hardware-id-malformed: ",
          "refused cpu-serial:\(board(2)) hardware-blocked: ", "made meter-\(board(1)) cpu-serial:\(board(1)) already",
          "made meter-aabbcc001122 mac:aabbcc001122 ",
        ]
        #expect(ran.lines.count == beginnings.count, "\(ran.output)")
        for (line, beginning) in zip(ran.lines, beginnings) { #expect(line.hasPrefix(beginning), "\(line)") }
        try expectFolders(in: out, 2)
        #expect(try await shown("june", instance).made == 2)
      }
    }

    @Test func `a scanner's boards come into one archive too, and more of them another day`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 10, instance)
        let bundle = instance.folder.file("made.tar")
        for day in 1...2 {
          let ran = try await Program.muster(
            ["factory", "provision", "--watch", "--device-id", "meter-{serial}", "--bundle", bundle],
            input: "cpu-serial:\(board(day))\n",
            environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": station])
          #expect(ran.status == 0 && ran.output.hasPrefix("made meter-\(board(day)) "), "\(ran.errors)")
          let listed = try await run("tar", ["-tf", bundle]).succeeded().split(separator: "\n")
          #expect(listed.count == 5 * day, "\(listed)")
        }
      }
    }

    @Test func `a bundle is one archive, whole or not there, and goes on after a cut`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 1000, instance)
        let lines = (0..<300).map { "cpu-serial:\(board($0)),meter-\($0)" }
        let manifest = try instance.folder.write(csv(lines), to: "boards.csv")
        let bundle = instance.folder.file("made.tar")
        let first = try StationProcess(instance, station, manifest, bundle, isBundle: true)
        #expect(await first.reached(40, in: bundle + ".work/.station/made"))
        await first.end(SIGKILL)
        #expect(!FileManager.default.fileExists(atPath: bundle))
        let second = try StationProcess(instance, station, manifest, bundle, isBundle: true)
        #expect(await second.ended() == 0, "\(second.errors)")
        try await expectBundle(bundle, 300, instance)
        // Boards that come later are added, and the archive is whole again.
        let more = try instance.folder.write(csv(lines + ["cpu-serial:\(board(300)),meter-300"]), to: "more.csv")
        let third = try StationProcess(instance, station, more, bundle, isBundle: true)
        #expect(await third.ended() == 0, "\(third.errors)")
        try await expectBundle(bundle, 301, instance)
        try await expectOneIdentityEach(301, instance)
        try await expectConfirmed(bundle, instance)
      }
    }

    /// The keys of what is confirmed are nowhere any more, and the archive is one as before.
    private func expectConfirmed(_ bundle: String, _ instance: ServedInstance) async throws {
      let key = { (device: String) in
        try await run("tar", ["-xOf", bundle, "\(device)/private-key.pem"]).succeeded()
      }
      let (gone, kept) = (try await key("meter-7"), try await key("meter-8"))
      let confirm = { (arguments: [String]) in
        try await Program.muster(["factory", "confirm", "--bundle", bundle] + arguments)
      }
      #expect(try await confirm(["meter-7"]).succeeded() == "1 confirmed\n")
      #expect(try await key("meter-7").hasPrefix("wiped\n"))
      #expect(try await key("meter-8") == kept)
      let secret = gone.split(separator: "\n")[1]
      let found = try await run("grep", ["-rlF", String(secret), bundle, bundle + ".work"])
      #expect(found.output.isEmpty && found.status == 1, "\(found.output)")
      #expect(try await run("tar", ["-tf", bundle]).succeeded().split(separator: "\n").count == 5 * 301)
      let status = try await Program.muster(["factory", "status", "--bundle", bundle]).succeeded()
      #expect(status.contains("1 of 301"), "\(status)")
      let since = try await Program.muster(
        ["factory", "status", "--bundle", bundle, "--unconfirmed-since", "2100-01-01T00:00:00Z"])
      #expect(try since.succeeded().split(separator: "\n").count == 300)
      #expect(try await confirm(["--all"]).succeeded() == "301 confirmed\n")
      let left = try await run("grep", ["-c", "--text", "PRIVATE KEY", bundle])
      #expect(left.output == "0\n")
      // An archive that is another is not written to.
      let other = try Data(contentsOf: URL(fileURLWithPath: bundle)).dropFirst(512)
      try FileManager.default.removeItem(atPath: bundle + ".work/.station/confirmed")
      try other.write(to: URL(fileURLWithPath: bundle))
      let foreign = try await confirm(["meter-9"])
      #expect(foreign.status == 1 && foreign.errors.contains("something else there"), "\(foreign.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: bundle)) == other)
    }

    /// As tar reads it.
    private func expectBundle(_ bundle: String, _ count: Int, _ instance: ServedInstance) async throws {
      let mode = try FileManager.default.attributesOfItem(atPath: bundle)[.posixPermissions]
      #expect(mode as? Int == 0o600)
      let listed = try await run("tar", ["-tvf", bundle]).succeeded().split(separator: "\n")
      #expect(listed.count == 5 * count)
      #expect(listed.count { $0.hasPrefix("-rw------- ") && $0.hasSuffix("/private-key.pem") } == count)
      let folder = instance.folder.file("unpacked-\(count)")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      _ = try await run("tar", ["-xf", bundle, "-C", folder]).succeeded()
      #expect(folders(in: folder).count == count)
      let device = "\(folder)/meter-7"
      let keys = [
        try await run("openssl", ["pkey", "-in", device + "/private-key.pem", "-pubout"]).succeeded(),
        try await run("openssl", ["x509", "-in", device + "/certificate.pem", "-noout", "-pubkey"]).succeeded(),
      ]
      #expect(keys[0] == keys[1])
      try await expectProved(device, instance)
    }

    @Test func `boards bring their requests in a folder, by either name, and one without is refused`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 10, instance)
        let requests = instance.folder.file("requests")
        try FileManager.default.createDirectory(atPath: requests, withIntermediateDirectories: true)
        let pem = try await run(
          "openssl",
          [
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=meter-1",
            "-keyout", instance.folder.file("own.key"),
          ]
        ).succeeded()
        try pem.write(toFile: requests + "/meter-1.csr", atomically: true, encoding: .utf8)
        try Data(try PeerKey().request(commonName: "meter-2"))
          .write(to: URL(fileURLWithPath: "\(requests)/cpu-serial:\(board(2)).csr"))
        try "no request".write(toFile: requests + "/meter-3.csr", atomically: true, encoding: .utf8)
        let lines = (1...4).map { "cpu-serial:\(board($0)),meter-\($0)" }
        let manifest = try instance.folder.write(csv(lines), to: "boards.csv")
        let out = instance.folder.file("made")
        let arguments = ["factory", "provision", "--manifest", manifest, "--requests", requests]
        let environment = ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": station]
        let checked = try await Program.muster(arguments + ["--check"], environment: environment)
        #expect(checked.lines.map { $0.prefix(22) } == ["line 4: csr-malformed:", "line 5: csr-missing: e"])
        let ran = try await Program.muster(arguments + ["--out", out], environment: environment)
        #expect(
          ran.status == 3 && ran.output.hasPrefix("2 made, 0 there already, 2 refused"), "\(ran.output)\(ran.errors)")
        #expect(try await run("find", [out, "-name", "private-key.pem"]).output.isEmpty)
        let keys = [
          try await run("openssl", ["pkey", "-in", instance.folder.file("own.key"), "-pubout"]).succeeded(),
          try await run("openssl", ["x509", "-in", out + "/meter-1/certificate.pem", "-noout", "-pubkey"]).succeeded(),
        ]
        #expect(keys[0] == keys[1])
      }
    }

    @Test func `a run is listed by its batch, and confirmed boards leave no key behind`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 10, instance)
        let lines = (0..<3).map { "cpu-serial:\(board($0)),meter-\($0)" }
        let manifest = try instance.folder.write(csv(lines), to: "boards.csv")
        let out = instance.folder.file("made")
        #expect(try await provision(instance, station, manifest, out).status == 0)

        let status = try await Program.muster(["factory", "status", "--out", out]).succeeded()
        let batch = try #require(status.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("bat_") })
        #expect(status.contains("0 of 3"), "\(status)")
        let listed = try await instance.muster("device", "list", "--batch", String(batch), "--output", "csv")
          .succeeded()
        #expect(
          Set(listed.split(separator: "\n").dropFirst().map { $0.prefix(7) }) == ["meter-0", "meter-1", "meter-2"])
        let other = RecordID(.batch, UUIDv7(at: SystemClock().now()))
        let none = try await instance.muster("device", "list", "--batch", "\(other)", "--output", "json").succeeded()
        #expect(none.isEmpty)
        let device = try await instance.muster("device", "show", "meter-1").succeeded()
        #expect(device.contains("june, by line-1, \(batch)"), "\(device)")
        let planned = try await instance.muster(
          "rollover", "plan", "--certificates", "--batch", String(batch), "--deadline", "30d", "--canary", "100"
        ).succeeded()
        let rollover = planned.trimmingCharacters(in: .newlines)
        #expect(try await instance.muster("rollover", "status", rollover).succeeded().contains("batch \(batch)"))
        _ = try await instance.muster("rollover", "start", rollover).succeeded()
        try await instance.rollover(rollover) { $0.devices["waiting"] == 3 }
        #expect(
          try await instance.muster("rollover", "plan", "--deadline", "30d", "--all", "--batch", String(batch)).status
            == 2)

        #expect(try await Program.muster(["factory", "confirm", "--out", out, "meter-9"]).status == 1)
        _ = try await Program.muster(["factory", "confirm", "--out", out, "meter-0", "meter-2"]).succeeded()
        #expect(!FileManager.default.fileExists(atPath: out + "/meter-0/private-key.pem"))
        #expect(FileManager.default.fileExists(atPath: out + "/meter-1/private-key.pem"))
        let rest = try await Program.muster(
          ["factory", "status", "--out", out, "--unconfirmed-since", "2100-01-01T00:00:00Z"]
        ).succeeded()
        #expect(rest == "meter-1\n")
        _ = try await Program.muster(["factory", "confirm", "--out", out, "--all"]).succeeded()
        let files = try await run("grep", ["-rlE", "PRIVATE KEY|\"key\"", out])
        #expect(files.status == 1 && files.output.isEmpty, "\(files.output)")
      }
    }

    @Test func `a manifest is checked without a service`() async throws {
      let folder = try ScratchFolder()
      defer { folder.remove() }
      let manifest = try folder.write(csv(["cpu-serial:\(board(1)),meter-1", "x,meter-2"]), to: "boards.csv")
      let ran = try await Program.muster(["factory", "provision", "--manifest", manifest, "--check", "--offline"])
      #expect(ran.status == 3 && ran.output.hasPrefix("line 3: hardware-id-malformed"), "\(ran.output)\(ran.errors)")
      let header = try folder.write("serial,name\n", to: "other.csv")
      let refused = try await Program.muster(["factory", "provision", "--manifest", header, "--check", "--offline"])
      #expect(refused.status == 2 && refused.errors.contains("serial"))
    }

    @Test func `a manifest is checked against the registry, and nothing is made`() async throws {
      try await ServedInstance.with { instance in
        let other = try await otherGroupsStation(instance)
        let station = try await station("line-1", order: "june", count: 3, instance)
        let foreign = try instance.folder.write(csv(["cpu-serial:\(board(1)),pump-1"]), to: "pumps.csv")
        let own = try instance.folder.write(csv(["cpu-serial:\(board(2)),meter-2"]), to: "own.csv")
        #expect(try await provision(instance, other, foreign, instance.folder.file("pumps")).status == 0)
        let out = instance.folder.file("made")
        #expect(try await provision(instance, station, own, out).status == 0)
        for (number, id) in [(3, "meter-3"), (4, "meter-4")] {
          _ = try await instance.muster("hardware", "allow", "cpu-serial:\(board(number))", "--group", "pumps")
            .succeeded()
          if id == "meter-3" {
            _ = try await instance.muster("hardware", "block", "cpu-serial:\(board(3))").succeeded()
          }
        }
        let rows = [
          ("cpu-serial:\(board(1)),meter-1", "hardware-bound"),
          ("cpu-serial:\(board(2)),meter-2", "hardware-provisioned"),
          ("cpu-serial:\(board(3)),meter-3", "hardware-blocked"), ("cpu-serial:\(board(4)),meter-4", "group-mismatch"),
          ("cpu-serial:\(board(5)),PUMP-1", "device-id-taken"),
          ("cpu-serial:\(board(6)),no device ID", "device-id-malformed"),
          ("cpu-serial:\(board(7)),meter-7", nil), ("cpu-serial:\(board(7)),meter-70", "hardware-twice"),
          ("cpu-serial:\(board(8)),meter-8", nil), ("cpu-serial:\(board(9)),meter-9", "order-exhausted"),
        ]
        let manifest = try instance.folder.write(csv(rows.map(\.0)), to: "boards.csv")
        let before = try await ledgerSize(instance)
        let arguments = ["factory", "provision", "--manifest", manifest, "--order", "june", "--check"]
        let environment = ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": station]
        let ran = try await Program.muster(arguments, environment: environment)
        #expect(ran.status == 3 && ran.errors.contains("2 rows are good, 8 are not"), "\(ran.errors)")
        let told = Set(ran.lines.map { $0.split(separator: ":").prefix(2).joined(separator: ":") })
        let expected = rows.enumerated().compactMap { index, row in row.1.map { "line \(index + 2): \($0)" } }
        #expect(told == Set(expected), "\(ran.output)")
        // Of another group's device it is told that it is one, and no more.
        #expect(ran.output.contains("made meter-2 by line-1 at 2") && !ran.output.contains("pump-1"), "\(ran.output)")
        // What was made in the folder is no conflict.
        let again = try await Program.muster(arguments + ["--out", out], environment: environment)
        #expect(again.errors.contains("3 rows are good, 7 are not"), "\(again.errors)")
        #expect(try await ledgerSize(instance) == before)
        #expect(try await shown("june", instance).made == 1)
        let stranger = try await Program.muster(
          arguments, environment: environment.merging(["MUSTER_IDENTITY": other]) { $1 })
        #expect(stranger.status == 1 && stranger.errors.contains("not-allowed"), "\(stranger.errors)")
        try await instance.expectWholeLedger()
      }
    }

    /// As the last checkpoint says.
    private func ledgerSize(_ instance: ServedInstance) async throws -> UInt64 {
      let client = try instance.client(instance.administrator)
      let answer = try await client.send(.GET, "/ledger/checkpoint")
      await client.shutdown()
      return try #require(answer.text.split(separator: "\n").dropFirst().first.flatMap { UInt64($0) })
    }

    private func otherGroupsStation(_ instance: ServedInstance) async throws -> String {
      _ = try await instance.muster("group", "add", "pumps").succeeded()
      let file = try await instance.add("line-9", .factoryLine, ["--group", "pumps"])
      _ = try await instance.muster(
        "factory", "order", "add", "may", "--station", "line-9", "--group", "pumps", "--count", "10"
      ).succeeded()
      return file
    }

    // MARK: - The batch route

    @Test func `a row's result comes while further rows are sent, and the same row gets the same again`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 10, instance)
        let (pieces, send) = AsyncStream.makeStream(of: ByteBuffer.self)
        let row = try rowLine(7, board: 1, "meter-1")
        let body = try await Connection.parse(["--server", instance.service.server, "--identity", station])
          .withClient { client in
            // A first line is answered before a second is sent; the third is the first again.
            var lines = try await client.stream(
              "/v1/orders/june/enrollments", query: [("batch", newBatch())], pieces
            ).makeAsyncIterator()
            var received: [Substring] = []
            for next in [row, try rowLine(8, board: 2, "meter-2"), row] {
              send.yield(ByteBuffer(string: next))
              let before = received.count
              while received.count <= max(before, 1), let piece = try await lines.next() {
                received += String(buffer: piece).split(separator: "\n")
              }
            }
            send.finish()
            while let piece = try await lines.next() { received += String(buffer: piece).split(separator: "\n") }
            return received
          }
        let results = try body.dropFirst().map { try #require(FlatObject($0.utf8)) }
        #expect(results.map { $0.number("row") } == [7, 8, 7])
        #expect(results[0] == results[2] && results[0].text("certificate") != nil)
        #expect(results[0].text("certificate") != results[1].text("certificate"))
        #expect(try await shown("june", instance).made == 2)
      }
    }

    @Test func `what is no row is told, and what is no batch is not begun`() async throws {
      try await ServedInstance.with { instance in
        let station = try await station("line-1", order: "june", count: 10, instance)
        let client = try instance.client(station)
        func send(_ body: String, _ path: String, type: String = "application/x-ndjson") async throws
          -> TestClient.Answer
        {
          try await client.send(.POST, path, [("Content-Type", type)], body: Array(body.utf8))
        }
        let path = "/v1/orders/june/enrollments"
        let good = try rowLine(1, board: 1, "meter-1")
        let refusedWhole = [
          (path, "application/x-ndjson", 400), ("\(path)?batch=bat_x", "application/x-ndjson", 400),
          ("\(path)?batch=\(newBatch())", "application/json", 415),
          ("/v1/orders/may/enrollments?batch=\(newBatch())", "application/x-ndjson", 403),
        ]
        for (path, type, status) in refusedWhole {
          #expect(try await send(good, path, type: type).status == status, "\(path) \(type)")
        }
        let rows: [(String, String)] = [
          (good.replacing("\"row\"", with: "\"color\":\"red\",\"row\""), "field-unknown"),
          (good.replacing("cpu-serial:", with: "cpu:"), "hardware-id-malformed"),
          (good.replacing("meter-1", with: "meter 1"), "device-id-malformed"),
          (good.replacing("\"csr\":\"M", with: "\"csr\":\"!"), "base64-malformed"),
          (good.replacing("\"row\"", with: "\"group\":\"pumps\",\"row\""), "group-mismatch"),
          (good.replacing("\"row\"", with: "\"group\":\"a b\",\"row\""), "name-malformed"),
          (good.replacing("\"row\":1", with: "\"row\":\"1\""), "row-malformed"), ("{}\n" + good, "row-malformed"),
          ("[" + good, "row-malformed"), (String(repeating: "x", count: 20_000), "row-malformed"),
        ]
        for (row, code) in rows {
          let answer = try await send(row, "\(path)?batch=\(newBatch())")
          let lines = answer.text.split(separator: "\n")
          #expect(answer.status == 200 && lines.count == 2, "\(row.prefix(200)): \(answer.text)")
          #expect(lines.last.flatMap { FlatObject($0.utf8)?.text("code") } == code, "\(answer.text)")
        }
        #expect(try await shown("june", instance).made == 0)
        await client.shutdown()
        try await instance.expectWholeLedger()
      }
    }

    @Test func `a batch is one order's: no other makes or allows anything in it`() async throws {
      try await ServedInstance.with { instance in
        let first = try instance.client(try await station("line-1", order: "june", count: 10, instance))
        let second = try instance.client(try await station("line-2", order: "july", count: 10, instance))
        let stranger = try instance.client(try await otherGroupsStation(instance))
        func code(_ client: TestClient, _ order: String, _ action: String, _ batch: String, _ row: String) async throws
          -> String?
        {
          let answer = try await client.send(
            .POST, "/v1/orders/\(order)/\(action)?batch=\(batch)", [("Content-Type", "application/x-ndjson")],
            body: Array(row.utf8))
          let line = try #require(answer.text.split(separator: "\n").last.flatMap { FlatObject($0.utf8) })
          guard line.text("code") == "batch-taken" else { return line.text("code") }
          let isKnown = line.text("reason")?.contains("of order june at station line-1") == true
          return isKnown ? "june's" : "another's"
        }
        func listing(_ number: Int, _ device: String) -> String {
          let hardware = "idevid:\(String(repeating: "ab", count: 32)).SN-\(number)"
          return "{\"deviceID\":\"\(device)\",\"hardware\":\"\(hardware)\",\"row\":1}\n"
        }
        for (action, row) in [
          ("enrollments", { try rowLine(1, board: $0, $1) }), ("allowances", { listing($0, $1) }),
        ] as [(String, (Int, String) throws -> String)] {
          let batch = newBatch()
          #expect(try await code(first, "june", action, batch, row(1, "meter-1\(action.count)")) == nil)
          #expect(try await code(first, "june", action, batch, row(2, "meter-2\(action.count)")) == nil)
          for (other, board) in [("enrollments", try rowLine(1, board: 9, "meter-9")), ("allowances", listing(9, "a"))]
          {
            #expect(try await code(second, "july", other, batch, board) == "june's", "\(action), \(other)")
            #expect(try await code(stranger, "may", other, batch, board) == "another's", "\(action), \(other)")
          }
        }
        let july = try await shown("july", instance)
        #expect(july.made == 0 && july.lastRefusal?.code == "batch-taken")
        for client in [first, second, stranger] { await client.shutdown() }
        try await instance.expectWholeLedger()
      }
    }

    func newBatch() -> String { RecordID(.batch, UUIDv7(at: SystemClock().now())).description }

    func rowLine(_ row: Int, board number: Int, _ device: String) throws -> String {
      let csr = Data(try PeerKey().request(commonName: device)).base64EncodedString()
      return
        "{\"csr\":\"\(csr)\",\"deviceID\":\"\(device)\",\"hardware\":\"cpu-serial:\(board(number))\",\"row\":\(row)}\n"
    }

    // MARK: - The line

    func board(_ number: Int) -> String {
      let digits = String(number, radix: 16)
      return "00e4b1" + String(repeating: "0", count: 10 - digits.count) + digits
    }

    func csv(_ lines: some Sequence<String>) -> String {
      "hardware_id,device_id\n" + lines.map { $0 + "\n" }.joined()
    }

    /// A station with an order; its identity file.
    func station(
      _ name: String, order: String, count: Int, _ instance: ServedInstance
    ) async throws -> String {
      _ = try await instance.muster("group", "add", "meters")
      let file = try await instance.add(name, .factoryLine, ["--group", "meters"])
      _ = try await instance.muster(
        "factory", "order", "add", order, "--station", name, "--group", "meters", "--count", String(count)
      ).succeeded()
      return file
    }

    func provision(
      _ instance: ServedInstance, _ station: String, _ manifest: String, _ out: String, order: String? = nil
    ) async throws -> Ran {
      try await Program.muster(
        ["factory", "provision", "--manifest", manifest, "--out", out] + (order.map { ["--order", $0] } ?? []),
        environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": station])
    }

    func shown(_ name: String, _ instance: ServedInstance) async throws -> OrderSummary {
      let shown = try await instance.muster("factory", "order", "show", name, "--output", "json").succeeded()
      return try JSONDecoder().decode(OrderSummary.self, from: Data(shown.utf8))
    }

    func folders(in out: String) -> Set<String> {
      Set((try? FileManager.default.contentsOfDirectory(atPath: out).filter { $0.hasPrefix("meter-") }) ?? [])
    }

    func expectFolders(in out: String, _ count: Int) throws {
      let folders = folders(in: out)
      #expect(folders.count == count)
      let files: Set = ["device.json", "certificate.pem", "trust.pem", "private-key.pem"]
      for folder in folders {
        #expect(Set(try FileManager.default.contentsOfDirectory(atPath: "\(out)/\(folder)")) == files, "\(folder)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: out + "/.station/new").isEmpty)
    }

    func expectOneIdentityEach(_ count: Int, _ instance: ServedInstance) async throws {
      let devices = try await instance.muster("device", "list", "--output", "json").succeeded().split(separator: "\n")
        .map { try JSONDecoder().decode(DeviceSummary.self, from: Data($0.utf8)) }
      #expect(devices.count == count && Set(devices.map(\.deviceID)).count == count)
      #expect(devices.allSatisfy { $0.generation == 1 && $0.group?.text == "meters" })
      let certificates = try await instance.muster("certificate", "list", "--output", "json").succeeded()
        .split(separator: "\n").map { try JSONDecoder().decode(CertificateSummary.self, from: Data($0.utf8)) }
      #expect(certificates.count { $0.profile == "device" } == count, "a device has two certificates")
    }
  }
}

/// A running `muster factory provision`, ended by its own PID.
final class StationProcess: Sendable {
  private let process: Mutex<Process>
  private let exit: Task<Int32, Never>
  private let log: String
  let pid: Int32

  convenience init(
    _ instance: ServedInstance, _ station: String, _ manifest: String, _ out: String, order: String = "june",
    isBundle: Bool = false
  ) throws {
    try self.init(
      instance, station, log: out + ".log",
      ["provision", "--manifest", manifest, isBundle ? "--bundle" : "--out", out, "--order", order])
  }

  /// `muster factory` with these arguments.
  init(_ instance: ServedInstance, _ station: String, log: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try Program.path())
    process.arguments = ["factory"] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": station]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    self.log = log
    try Data().write(to: URL(fileURLWithPath: log))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
    let (ends, end) = AsyncStream.makeStream(of: Int32.self)
    process.terminationHandler = {
      end.yield($0.terminationStatus)
      end.finish()
    }
    try launch(process)
    pid = process.processIdentifier
    self.process = Mutex(process)
    exit = Task { await ends.first { _ in true } ?? -1 }
  }

  var errors: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

  /// Whether the file came to have so many lines while the process ran.
  func reached(_ lines: Int, in file: String) async -> Bool {
    while process.withLock({ $0.isRunning }) {
      let content = FileManager.default.contents(atPath: file) ?? Data()
      if content.count(where: { $0 == UInt8(ascii: "\n") }) >= lines { return true }
      await Task.yield()
    }
    return false
  }

  @discardableResult
  func end(_ signal: Int32) async -> Int32 {
    kill(pid, signal)
    return await exit.value
  }

  func ended() async -> Int32 { await exit.value }
}
