import CertificateAuthority
package import Publication

/// What `SigningAuthorities` say, unsealed and sealed.
package enum SigningAuthoritiesConformance {
  /// Begins unsealed.
  package struct Subject: Sendable {
    package let authorities: any SigningAuthorities
    package let seal: @Sendable () async throws -> Void
    package let unseal: @Sendable () async throws -> Void

    package init(
      _ authorities: any SigningAuthorities, seal: @escaping @Sendable () async throws -> Void,
      unseal: @escaping @Sendable () async throws -> Void
    ) {
      self.authorities = authorities
      self.seal = seal
      self.unseal = unseal
    }
  }

  package static let all: [Requirement<Subject>] = [
    Requirement("the root is not among the issuers, and none is twice", issuers),
    Requirement("each responder is one issuer's, and no two of the same", responders),
    Requirement("while sealed nobody signs, and unsealed the same as before", sealing),
  ]

  @Sendable private static func issuers(_ subject: Subject) throws {
    let issuers = subject.authorities.issuers
    try require(!issuers.isEmpty && issuers.allSatisfy { $0.use != .root }, "issuing CAs, and not the root")
    try require(Set(issuers.map(\.keyID)).count, is: issuers.count, "different issuers")
  }

  @Sendable private static func responders(_ subject: Subject) throws {
    let issuers = Set(subject.authorities.issuers.map(\.keyID))
    let responders = subject.authorities.responders.map(\.issuerKeyID)
    try require(!responders.isEmpty && issuers.isSuperset(of: responders), "responders of issuers")
    try require(Set(responders).count, is: responders.count, "different responders")
  }

  @Sendable private static func sealing(_ subject: Subject) async throws {
    func names() -> [[String]] {
      [subject.authorities.issuers.map(\.keyID), subject.authorities.responders.map(\.issuerKeyID)]
    }
    let before = names()
    try await subject.seal()
    try require(names(), is: [[], []], "who signs while sealed")
    try await subject.unseal()
    try require(names(), is: before, "who signs again")
  }
}
