import CertificateAuthority
import Enrollment
import Foundation
import MusterModel
import MusterTesting
import Policy
import Testing

@testable import muster

/// Operators, stations and hubs renew by the certificate that they have.
@Suite struct PeerRenewalTests {
  private func identify(_ leaf: [UInt8], _ test: TestInstance) async throws -> Caller? {
    guard case .known(let principal, let reads) = try await Authentication(test.instance).identify(leaf: leaf) else {
      return nil
    }
    return Caller(principal: principal, reads: reads, source: "192.0.2.1")
  }

  private func hub(_ test: TestInstance) async throws -> PeerAdded {
    let administrator = try await test.caller(.administrator, name: "root")
    return try await test.administration.addHub(
      HubInput(name: "plant", host: "mqtt.example", groups: [], csr: ""),
      csr: try PeerKey().request(commonName: "plant"),
      by: administrator
    ).get()
  }

  @Test func `a hub's next certificate is its own, and the old one stays for the overlap`() async throws {
    try await TestInstance.with { test in
      let hub = try await hub(test)
      let caller = try #require(try await identify(hub.chain[0], test))
      let csr = try PeerKey().request(commonName: "anybody")
      let renewed = try await test.administration.renew(csr: csr, by: caller).get()
      #expect(renewed.record == hub.record && renewed.certificate != hub.certificate)
      let shown = try #require(try await test.instance.listings.certificate(.record(renewed.certificate)))
      #expect(shown.profile == "hub" && shown.status == .good)
      #expect(try await identify(renewed.chain[0], test) != nil)
      let again = try #require(try await identify(hub.chain[0], test))
      #expect(try await test.administration.renew(csr: csr, by: again).get() == renewed)
      test.clock.advance(.seconds(7 * 86_400 + 1))
      #expect(try await identify(hub.chain[0], test) == nil)
      #expect(try await identify(renewed.chain[0], test) != nil)
      try test.expectWholeLedger()
    }
  }

  @Test(arguments: Role.allCases.filter { $0 != .hub }) func `so do operators and stations`(role: Role) async throws {
    try await TestInstance.with { test in
      let caller = try await test.caller(role)
      let renewed = try await test.administration.renew(csr: try PeerKey().request(commonName: "x"), by: caller).get()
      let next = try #require(try await identify(renewed.chain[0], test))
      #expect(next.principal.list == caller.principal.list && next.principal.groups == caller.principal.groups)
    }
  }

  @Test func `nobody renews with another's key, a compromised one, or once they are removed`() async throws {
    try await TestInstance.with { test in
      let (hub, key) = (try await hub(test), PeerKey())
      let caller = try #require(try await identify(hub.chain[0], test))
      let engineer = try await test.caller(.fieldEngineer)
      let csr = try key.request(commonName: "x")
      _ = try await test.administration.renew(csr: csr, by: engineer).get()
      #expect(try await test.administration.renew(csr: csr, by: caller).refusalCode == "key-taken")
      #expect(try await test.administration.renew(csr: csr, by: .folder()).refusalCode == "not-allowed")
      let administrator = try await test.caller(.administrator, name: "second")
      _ = try await test.administration.removeHub("plant", by: administrator).get()
      #expect(
        try await test.administration.renew(csr: try PeerKey().request(commonName: "x"), by: caller).refusalCode
          == "not-allowed")
      _ = try await test.administration.removeOperator("field-engineer", by: administrator).get()
      #expect(
        try await test.administration.renew(csr: try PeerKey().request(commonName: "x"), by: engineer).refusalCode
          == "identity-changed")
    }
  }

  @Test func `renewing again and again neither lengthens the old nor goes on for ever`() async throws {
    try await TestInstance.with { test in
      let hub = try await hub(test)
      var caller = try #require(try await identify(hub.chain[0], test))
      let first = try await test.administration.renew(csr: try PeerKey().request(commonName: "x"), by: caller).get()
      test.clock.advance(.seconds(6 * 86_400))
      caller = try #require(try await identify(hub.chain[0], test))
      for _ in 0..<62 {
        _ = try await test.administration.renew(csr: try PeerKey().request(commonName: "x"), by: caller).get()
        caller = try #require(try await identify(hub.chain[0], test))
      }
      #expect(
        try await test.administration.renew(csr: try PeerKey().request(commonName: "x"), by: caller).refusalCode
          == "too-many-certificates")
      test.clock.advance(.seconds(86_400 + 1))
      #expect(try await identify(hub.chain[0], test) == nil)
      #expect(try await identify(first.chain[0], test) != nil)
    }
  }
}
