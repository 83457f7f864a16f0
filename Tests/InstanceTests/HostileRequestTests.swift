import CertificateAuthority
import DeviceRegistry
import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"
private let other = "cpu-serial:00000000e4b1c9d3"

/// Requests that would have the registry forget, mistake or lose something.
@Suite struct HostileRequestTests {
  @Test func `a key that was revoked as compromised is never certified again`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let first = try await test.enroll("pump-7", try await test.ticket(board, "pump-7", by: administrator), PeerKey())
        .get()
      let leaked = PeerKey()
      let second = try await test.renew(first, leaked).get()
      let compromised = RevocationInput(reason: "key-compromise")
      _ = try await test.administration.revoke(second.serial, compromised, by: administrator).get()
      #expect(try await test.renew(first, leaked).refusalCode == "key-compromised")
      let swap = try await test.ticket(other, "pump-7", swap: true, by: administrator)
      #expect(try await test.enroll("pump-7", swap, leaked).refusalCode == "key-compromised")
      #expect(try await test.enroll("pump-7", swap, PeerKey()).refusalCode == nil)
    }
  }

  @Test func `an erasure does not lift a block`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let position = try await test.size()
      let hardware = HardwareInput(hardware: board, group: nil, reason: "stolen")
      _ = try await test.administration.list(hardware, .block, by: administrator).get()
      let refused = try await test.administration.erase(position, reason: "asked to", by: administrator)
      #expect(refused.refusalCode == "still-in-force")
      let input = TicketInput(hardware: board, deviceID: "pump-7", swap: nil, validSeconds: nil, group: nil)
      #expect(try await test.administration.issueTicket(input, by: administrator).refusalCode == "hardware-blocked")
      _ = try await test.administration.list(hardware, .unblock, by: administrator).get()
      _ = try await test.administration.erase(position, reason: "asked to", by: administrator).get()
      try test.expectWholeLedger()
    }
  }

  @Test func `an erasure does not free the name of a device that is in use`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      let position = try await test.size()
      let enrolled = try await test.enroll("pump-7", code, PeerKey()).get()
      #expect(
        try await test.administration.erase(position, reason: "asked to", by: administrator).refusalCode
          == "still-in-force")
      _ = try await test.administration.change("pump-7", .retire, reason: nil, by: administrator).get()
      _ = try await test.administration.erase(position, reason: "asked to", by: administrator).get()
      #expect(try await test.status(of: enrolled) == .revoked)
      try test.expectWholeLedger()
    }
  }

  @Test func `a trust anchor is a CA's certificate, and never our own CA's`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let input = GroupInput(name: "meters", profile: nil, hub: nil, trustAnchors: nil)
      let own = try PEM.firstCertificate(test.opened.folder.read(.chain))
      let leaf = try PEM.firstCertificate(test.opened.folder.read(.administrator))
      for (anchor, code) in [
        (own, "trust-anchor-own"), (test.instance.authorities.root, "trust-anchor-own"), (leaf, "certificate-not-ca"),
        ([0x30, 0], "certificate-unreadable"),
      ] {
        #expect(
          try await test.administration.addGroup(input, anchors: [anchor], by: administrator).refusalCode == code)
      }
    }
  }

  @Test func `a retired device's certificates and name are gone, and its key stays its own`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let key = PeerKey()
      let first = try await test.enroll("pump-7", try await test.ticket(board, "pump-7", by: administrator), key).get()
      _ = try await test.administration.change("pump-7", .retire, reason: nil, by: administrator).get()
      #expect(try await test.renew(first, PeerKey()).refusalCode == "certificate-revoked")
      let again = try await test.ticket(board, "PUMP-7", by: administrator)
      #expect(try await test.enroll("PUMP-7", again, key).refusalCode == "key-taken")
      let second = try await test.enroll("PUMP-7", again, PeerKey()).get()
      #expect(second.device != first.device)
      #expect(try await test.status(of: first) == .revoked)
    }
  }

  @Test func `two spellings of one device ID are one name`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let codes = [
        ("pump-7", try await test.ticket(board, "pump-7", by: administrator)),
        ("Pump-7", try await test.ticket(other, "Pump-7", by: administrator)),
      ]
      let outcomes = try await withThrowingTaskGroup(of: Outcome<Enrolled>.self) { group in
        for (name, code) in codes { group.addTask { try await test.enroll(name, code, PeerKey()) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.count { $0.refusalCode == nil } == 1)
      #expect(outcomes.contains { $0.refusalCode == "device-id-taken" })
    }
  }

  @Test func `a group that a device came into meanwhile is not removed`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      for round in 0..<8 {
        let name = "group-\(round)"
        let input = GroupInput(name: name, profile: nil, hub: nil, trustAnchors: nil)
        _ = try await test.administration.addGroup(input, anchors: [], by: administrator).get()
        let device = "pump-\(round)"
        let code = try await test.ticket("cpu-serial:a\(round)", device, group: name, by: administrator)
        async let enrolled = test.enroll(device, code, PeerKey())
        async let removed = test.isRemoved(name, by: administrator)
        let (isEnrolled, isRemoved) = (try await enrolled.refusalCode == nil, await removed)
        #expect(!(isEnrolled && isRemoved), "\(name)")
      }
      try test.expectWholeLedger()
    }
  }

  @Test func `an instance is not made in a folder that another made first`() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "muster-\(UUID().uuidString)").path
    let planted = "\(path).\(getpid()).new"
    try FileManager.default.createDirectory(atPath: planted, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: planted) }
    let plan = FoundingPlan(
      organization: nil, trustDomain: try #require(TrustDomain("test.example")), hostnames: ["localhost"],
      publishURL: "http://localhost:8080", passphrase: nil)
    await #expect(throws: CommandFailure.self) {
      _ = try await Founding(plan: plan, rules: try Rules.shipped(), clock: FixedClock()).found(at: path)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: planted).isEmpty)
  }

  @Test func `what holds a key is the owner's alone, whatever the umask`() async throws {
    let before = umask(0)
    defer { umask(before) }
    try await TestInstance.with { test in
      let secret = [
        "", "/service", "/operators", "/offline", "/service/tls.pem", "/service/ledger.key", "/service/vault.key",
        "/operators/admin.pem", "/offline/root-key.sealed", "/lock",
      ]
      for file in secret {
        let attributes = try FileManager.default.attributesOfItem(atPath: test.path + file)
        let mode = try #require(attributes[.posixPermissions] as? Int)
        #expect(mode & 0o077 == 0, "\(file) \(String(mode, radix: 8))")
      }
    }
  }

  @Test func `no secret of an instance lies in its database, its log or its ledger in the clear`() async throws {
    try await TestInstance.with(passphrase: "correct horse battery") { test in
      let right = SecretBytes(copying: "correct horse battery".utf8)
      _ = try await test.opened.vault.unseal(.passphrase(right), by: .folder()).get()
      let engineer = try await test.caller(.fieldEngineer, key: "k1")
      let code = try await test.ticket(board, "pump-7", by: engineer)
      let needles = [code.text, test.code.text, right].map { $0.withUnsafeBytes { Data($0) } }
      for name in try FileManager.default.contentsOfDirectory(atPath: test.path) {
        guard let content = FileManager.default.contents(atPath: test.path + "/" + name) else { continue }
        for needle in needles { #expect(content.range(of: needle) == nil, "\(name)") }
      }
    }
  }
}

extension TestInstance {
  /// Whether the group could be removed; the store may also find that the unit contradicts its views.
  fileprivate func isRemoved(_ group: String, by caller: Caller) async -> Bool {
    do {
      return try await administration.removeGroup(group, by: caller).refusalCode == nil
    } catch {
      return false
    }
  }
}
