import MusterModel
import MusterTesting
import Testing

@testable import muster

@Suite struct SigningAuthoritiesTests {
  @Test(arguments: SigningAuthoritiesConformance.all)
  func `an instance's CAs are SigningAuthorities, over its vault`(
    _ requirement: Requirement<SigningAuthoritiesConformance.Subject>
  ) async throws {
    try await TestInstance.with { test in
      let administrator = try await test.caller(.administrator)
      let vault = test.opened.vault
      try await requirement.check(
        .init(
          UnsealedAuthorities(authorities: test.instance.authorities),
          seal: { _ = try await vault.seal(by: administrator).get() },
          unseal: { _ = try await vault.unseal(.recoveryCode(test.code.text), by: administrator).get() }))
    }
  }
}
