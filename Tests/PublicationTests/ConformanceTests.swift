import MusterModel
import MusterTesting
import Publication
import Testing

/// The doubles of this target are held to what their seams ask, so that what is tested with them holds of the real ones.
@Suite struct ConformanceTests {
  @Test(arguments: StoreConformance.order)
  func `the ledger in memory is a Store`(_ requirement: Requirement<any Store>) async throws {
    try await requirement.check(MemoryLedger())
  }

  @Test(arguments: RevocationReaderConformance.all)
  func `the ledger in memory is a RevocationReader`(
    _ requirement: Requirement<RevocationReaderConformance.Subject>
  ) async throws {
    try await requirement.check(MemoryLedger())
  }

  @Test(arguments: SigningAuthoritiesConformance.all)
  func `authorities that can be taken away are SigningAuthorities`(
    _ requirement: Requirement<SigningAuthoritiesConformance.Subject>
  ) async throws {
    let authorities = try await World().authorities
    try await requirement.check(
      .init(authorities, seal: { authorities.seal(true) }, unseal: { authorities.seal(false) }))
  }
}
