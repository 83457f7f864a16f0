import Crypto
import Enrollment
import Foundation
import KeyVault
import MusterModel
import MusterTesting
import Policy
import SQLiteStore
import SwiftASN1
import Testing
import X509

@testable import muster

/// A real instance in a folder of its own, founded and opened as the program does it.
struct TestInstance: Sendable {
  let path: String
  let clock: FixedClock
  let opened: OpenInstance
  let code: RecoveryCode

  var instance: Instance { opened.instance }
  var enrollment: DeviceEnrollment { DeviceEnrollment(instance) }
  var renewal: DeviceRenewal { DeviceRenewal(instance) }
  var administration: Administration { Administration(instance) }

  var folder: InstanceFolder { InstanceFolder(path) }

  /// Runs `body` on a fresh instance, and removes it. `enrollment` and `keys` stand in place of the shipped files.
  static func with(
    passphrase: String? = nil, enrollment: String? = nil, keys: String? = nil, access: String? = nil,
    planning: (inout FoundingPlan) throws -> Void = { _ in },
    _ body: (TestInstance) async throws -> Void
  ) async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "muster-\(UUID().uuidString)").path
    let clock = FixedClock()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var plan = FoundingPlan(
      organization: "Test Works", trustDomain: try #require(TrustDomain("test.example")), hostnames: ["localhost"],
      publishURL: "http://localhost:8080", passphrase: passphrase.map { SecretBytes(copying: $0.utf8) })
    try planning(&plan)
    let code = try await Founding(plan: plan, rules: try Rules.shipped(), clock: clock).found(at: path)
    for (name, text) in [("enrollment.yaml", enrollment), ("keys.yaml", keys), ("access.yaml", access)] {
      guard let text else { continue }
      try writeFile("\(path)/policies/\(name)", Array(text.utf8), mode: 0o644)
    }
    let opened = try await OpenInstance.open(path, clock: clock)
    let test = TestInstance(path: path, clock: clock, opened: opened, code: code)
    do {
      try await body(test)
    } catch {
      await opened.store.close()
      throw error
    }
    await opened.store.close()
  }

  /// Closes it and opens it again, as after a restart.
  func reopened(sparing slot: UInt32? = nil, _ body: (TestInstance) async throws -> Void) async throws {
    await opened.store.close()
    let again = try await OpenInstance.open(path, sparing: slot, clock: clock)
    do {
      try await body(TestInstance(path: path, clock: clock, opened: again, code: code))
    } catch {
      await again.store.close()
      throw error
    }
    await again.store.close()
  }

  /// An operator of a role, added by the folder's authority.
  func caller(
    _ role: Role, name: String? = nil, groups: [String] = [], key: String? = nil
  ) async throws -> Caller {
    let name = name ?? role.rawValue
    let input = OperatorInput(name: name, role: role.rawValue, groups: groups, csr: "")
    let added = try await administration.addOperator(input, csr: try PeerKey().request(commonName: name), by: .folder())
      .get()
    let leaf = try #require(added.chain.first)
    guard case .known(let principal, let reads) = try await Authentication(instance).identify(leaf: leaf) else {
      throw TestFailure("expected the operator to be known")
    }
    return Caller(
      principal: principal, reads: reads, source: "192.0.2.1",
      idempotency: key.map { .init(key: $0, request: .sha256($0.utf8)) })
  }

  /// Brings a group's enrollment key from elsewhere.
  func bring(_ key: SecretBytes, as name: String, of group: String, by caller: Caller) async throws {
    let raw = try await administration.importKey(by: caller).get().publicKey
    let vault = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: #require(Data(base64Encoded: raw)))
    let sealed = try KeyTransfer(
      key, to: vault, for: .import(try #require(RecordName(name)), .groupEnrollment))
    var ring = KeyRingInput(name: name, kind: "group-enrollment")
    ring.group = group
    _ = try await administration.importRing(KeyImportInput(ring: ring, key: sealed), by: caller).get()
  }

  func ticket(
    _ hardware: String, _ device: String, swap: Bool = false, group: String? = nil, by caller: Caller
  ) async throws -> TicketCode {
    let input = TicketInput(hardware: hardware, deviceID: device, swap: swap, validSeconds: nil, group: group)
    let issued = try await administration.issueTicket(input, by: caller).get()
    return try #require(TicketCode(issued.code))
  }

  func enroll(
    _ device: String, _ code: TicketCode, _ key: PeerKey, subject: String? = nil
  ) async throws -> Outcome<Enrolled> {
    let request = EnrollmentRequest(
      evidence: .ticket(try #require(DeviceID(device)), code), csr: try key.request(commonName: subject ?? device),
      label: nil, source: "192.0.2.7")
    return try await enrollment.enroll(request)
  }
}

struct TestFailure: Error {
  let what: String
  init(_ what: String) { self.what = what }
}

extension Outcome {
  /// The refusal's code; nil where it was done.
  var refusalCode: String? {
    if case .refused(let refusal) = self { return refusal.code }
    return nil
  }
}

extension Enrolled {
  /// Of its certificate; empty without one, as no certificate's is.
  var serial: String { certificate?.serial ?? "" }
}
