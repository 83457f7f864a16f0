import DeviceRegistry
import Enrollment
import Foundation
import HubAccess
import KeyVault
import Ledger
import MusterModel
import MusterTesting
import Policy
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"

/// Devices that are given symmetric keys, alone or beside a certificate.
@Suite struct SymmetricEnrollmentTests {
  private func claim(_ byte: UInt8) throws -> EnrollmentClaim {
    try #require(EnrollmentClaim([UInt8](repeating: byte, count: 32)))
  }

  private func enroll(
    _ test: TestInstance, _ code: TicketCode, _ wish: EnrollmentRequest.Wish
  ) async throws -> Outcome<Enrolled> {
    try await test.enrollment.enroll(
      EnrollmentRequest(
        evidence: .ticket(try #require(DeviceID("pump-7")), code), wish: wish, label: nil, source: "192.0.2.7"))
  }

  private func kinds(_ test: TestInstance, from first: UInt64) async throws -> [String] {
    var (kinds, position): ([String], UInt64) = ([], first)
    while let event = try await test.instance.ledger.event(at: position) {
      kinds.append(try EventEnvelope(event).kind)
      position += 1
    }
    return kinds
  }

  @Test func `a device with keys alone has no certificate, and its lost answer is no loss`() async throws {
    try await TestInstance.with { test in
      let code = try await test.ticket(board, "pump-7", by: try await test.caller(.fieldEngineer))
      let first = try await enroll(test, code, .keys(claim(1))).get()
      let keys = try #require(first.keys)
      #expect(first.certificate == nil && keys.primary.version == 1 && keys.secondary.version == 2)
      #expect(keys.primary.key != keys.secondary.key)
      let again = try await enroll(test, code, .keys(claim(1))).get()
      #expect(again.keys == keys && again.device == first.device)
      #expect(
        try await kinds(test, from: first.position - 1)
          == ["device-enrolled-with-keys", "device-keys-made", "device-keys-delivered"])
      #expect(try await enroll(test, code, .keys(claim(2))).refusalCode == "ticket-spent")
      #expect(
        try await enroll(test, code, .certificate(PeerKey().request(commonName: "pump-7"))).refusalCode
          == "ticket-spent")
      try test.expectWholeLedger()
    }
  }

  @Test func `keys are handed over until the ticket's end or the device proves one, and not after`() async throws {
    try await TestInstance.with { test in
      let code = try await test.ticket(board, "pump-7", by: try await test.caller(.fieldEngineer))
      let enrolled = try await enroll(test, code, .keys(claim(1))).get()
      let proved = DeviceKeysProved(proved: [.init(device: enrolled.device, version: 1)])
      let event = try Event(at: test.clock.now(), by: .service, on: [.record(enrolled.device)], proved)
      _ = try await test.instance.store.commit(UnitOfWork(events: [event]))
      #expect(try await enroll(test, code, .keys(claim(1))).refusalCode == "keys-not-delivered")
      test.clock.advance(.seconds(90_000))
      #expect(try await enroll(test, code, .keys(claim(1))).refusalCode == "ticket-expired")
    }
  }

  @Test func `an operator's new keys are not the old enrollment's to ask for`() async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator, name: "root")
      let code = try await test.ticket(board, "pump-7", by: administrator)
      _ = try await enroll(test, code, .keys(claim(1))).get()
      _ = try await test.administration.rekey("pump-7", by: administrator).get()
      #expect(try await enroll(test, code, .keys(claim(1))).refusalCode == "keys-not-delivered")
    }
  }

  @Test func `both: the request's key is its claim, and a certificate alone asks for no keys later`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer)
      let code = try await test.ticket(board, "pump-7", by: engineer)
      let csr = try PeerKey().request(commonName: "pump-7")
      let first = try await enroll(test, code, .both(csr)).get()
      #expect(first.certificate != nil && first.keys != nil)
      #expect(try await enroll(test, code, .both(csr)).get() == first)
      let certificate = try await enroll(test, code, .certificate(csr)).get()
      #expect(certificate.certificate == first.certificate && certificate.keys == nil)
      try test.expectWholeLedger()
    }
    try await TestInstance.with { test in
      let code = try await test.ticket(board, "pump-7", by: try await test.caller(.fieldEngineer))
      let csr = try PeerKey().request(commonName: "pump-7")
      _ = try await enroll(test, code, .certificate(csr)).get()
      #expect(try await enroll(test, code, .both(csr)).refusalCode == "keys-not-delivered")
    }
  }

  @Test func `a swap leaves the old board's keys nothing`() async throws {
    try await TestInstance.with { test in
      let engineer = try await test.caller(.fieldEngineer)
      let before = try await enroll(test, test.ticket(board, "pump-7", by: engineer), .keys(claim(1))).get()
      let code = try await test.ticket("cpu-serial:00000000e4b1c9d3", "pump-7", swap: true, by: engineer)
      let after = try await enroll(test, code, .keys(claim(2))).get()
      #expect(after.device == before.device && after.generation == 2 && after.keys?.primary.version == 3)
      #expect(after.keys?.primary.key != before.keys?.primary.key)
      try test.expectWholeLedger()
    }
  }

  @Test func `a rule that names credentials lets no others in`() async throws {
    try await TestInstance.with { test in
      let file = test.instance.policies.files.map { file in
        guard file.name == "enrollment.yaml" else { return file }
        let text = String(decoding: file.bytes, as: UTF8.self)
          .replacing(
            "    evidence: [ticket]\n    act: [new]",
            with: "    evidence: [ticket]\n    credentials: [certificate]\n    act: [new]")
        return PolicyFile(name: file.name, bytes: Array(text.utf8))
      }
      let instance = test.instance
      let strict = DeviceEnrollment(
        Instance(
          store: instance.store, facts: instance.facts, listings: instance.listings, ledger: instance.ledger,
          vault: instance.vault, policies: try Policies.load(files: file), authorities: instance.authorities,
          clock: instance.clock, epoch: instance.epoch))
      let code = try await test.ticket(board, "pump-7", by: try await test.caller(.fieldEngineer))
      func ask(_ wish: EnrollmentRequest.Wish) async throws -> Outcome<Enrolled> {
        try await strict.enroll(
          EnrollmentRequest(
            evidence: .ticket(try #require(DeviceID("pump-7")), code), wish: wish, label: nil, source: "192.0.2.7"))
      }
      #expect(try await ask(.keys(claim(1))).refusalCode == "policy-refused")
      #expect(try await ask(.both(PeerKey().request(commonName: "pump-7"))).refusalCode == "policy-refused")
      #expect(try await ask(.certificate(PeerKey().request(commonName: "pump-7"))).refusalCode == nil)
    }
  }
}
