import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import CertificateAuthority
@testable import Policy

@Suite struct HierarchyTests {
  let instance: Instance
  let openssl: OpenSSL

  init() throws {
    instance = try Instance()
    openssl = try OpenSSL()
  }

  private func text(_ authority: Hierarchy.Authority) throws -> String {
    try openssl.write(authority.issuer.certificate, "ca.der")
    return try openssl.run("x509", "-inform", "DER", "-in", "ca.der", "-noout", "-text").text
  }

  @Test func `the root is P-384, for 25 years, of path length 1`() throws {
    let text = try text(instance.hierarchy.root)
    for expected in [
      "ASN1 OID: secp384r1", "Signature Algorithm: ecdsa-with-SHA384", "CA:TRUE, pathlen:1",
      "Issuer: O = Acme, CN = Muster root CA \(instance.hierarchy.root.issuer.keyID.prefix(8))",
      "Not Before: Jun 14 15:06:40 2025 GMT", "Not After : Jun 14 15:06:39 2050 GMT",
      "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n",
    ] { #expect(text.contains(expected), "\(expected) in \(text)") }
    #expect(!text.contains("CRL Distribution"))
  }

  @Test(arguments: [IssuerUse.devices, .service])
  func `an issuing CA is P-256, for 10 years, of path length 0`(use: IssuerUse) throws {
    let authority = use == .devices ? instance.hierarchy.devices : instance.hierarchy.service
    let text = try text(authority)
    let root = instance.hierarchy.root.issuer.keyID
    for expected in [
      "ASN1 OID: prime256v1", "CA:TRUE, pathlen:0", "Subject: O = Acme, CN = Muster \(use.rawValue) CA ",
      "Not After : Jun 14 15:06:39 2035 GMT", "URI:http://muster.plant.example:8080/crl/\(root).crl\n",
      "CA Issuers - URI:http://muster.plant.example:8080/ca/\(root).cer\n",
    ] { #expect(text.contains(expected), "\(expected) in \(text)") }
    let added = authority.added(key: nil)
    #expect(added.use == use && added.issuerKeyID == authority.issuer.keyID)
    #expect(added.certificate == Digest.sha256(authority.issuer.certificate))
  }

  @Test func `a sealed key, opened again, signs for its certificate`() throws {
    for authority in [instance.hierarchy.root, instance.hierarchy.devices, instance.hierarchy.service] {
      let copy = SecretBytes(copying: authority.secret.withUnsafeBytes { Array($0) })
      let signer = try SoftwareSigner(authority.use == .root ? .p384 : .p256, scalar: copy)
      let issuer = try Issuer(
        certificate: authority.issuer.certificate, use: authority.use, signer: signer, points: instance.points)
      #expect(issuer.keyID == authority.issuer.keyID)
    }
  }

  @Test func `a certificate and a key that do not belong together make no issuer`() async throws {
    let (_, other) = try SoftwareSigner.generate(.p256)
    #expect(throws: CertificationError.self) {
      try Issuer(
        certificate: instance.devices.certificate, use: .devices, signer: other, points: instance.points)
    }
    let request = try CertificateRequest.verify(RequestBuilder().der, blocked: .none).get()
    let leaf = try await instance.issueDevice("meter-7", request)
    let scalar = SecretBytes(copying: RequestBuilder.privateKey.rawRepresentation)
    #expect(throws: CertificationError.self) {
      try Issuer(
        certificate: leaf.der, use: .devices, signer: SoftwareSigner(.p256, scalar: scalar), points: instance.points)
    }
  }

  @Test(arguments: ["", String(repeating: "x", count: 65), "Acme\n", "Acme\0"])
  func `an organization that fits no name is refused`(organization: String) {
    #expect(throws: CertificationError.self) {
      try Hierarchy.make(organization: organization, points: instance.points, now: instance.now)
    }
  }

  @Test func `a hierarchy made on a leap day ends on the day before`() throws {
    let leap = try #require(Timestamp("2028-02-29T12:00:00Z"))
    let hierarchy = try Hierarchy.make(organization: nil, points: instance.points, now: leap)
    #expect(hierarchy.root.issuer.notAfter.description == "2053-02-28T11:59:59.000Z")
    let text = try text(hierarchy.root)
    #expect(text.contains("Not After : Feb 28 11:59:59 2053 GMT") && text.contains("Issuer: CN = Muster root CA "))
  }

  @Test(arguments: [
    "ftp://a", "http://", "http:///a", "http://a/", "http://a b", "http://a\"", "http://ä", "a",
    "http://" + String(repeating: "a", count: 200),
  ])
  func `a publish URL that fits no certificate is refused`(url: String) throws {
    let domain = try #require(TrustDomain("plant.example"))
    #expect(PublicationPoints(trustDomain: domain, publishURL: url) == nil)
  }
}

/// A key behind an actor, as in a TPM: slow, serial, elsewhere.
private actor DistantSigner: Signer {
  nonisolated let publicKey: SubjectPublicKey
  nonisolated let algorithm: SignatureAlgorithm
  private let inner: SoftwareSigner
  private(set) var count = 0

  init(_ inner: SoftwareSigner) {
    self.inner = inner
    publicKey = inner.publicKey
    algorithm = inner.algorithm
  }

  func sign(_ bytes: [UInt8]) async throws -> [UInt8] {
    count += 1
    await Task.yield()
    return try inner.signature(of: bytes)
  }
}

@Suite struct SignerTests {
  @Test func `a signer behind an actor issues like any other`() async throws {
    let instance = try Instance()
    let authority = instance.hierarchy.devices
    let signer = DistantSigner(try SoftwareSigner(.p256, scalar: authority.secret))
    let issuer = try Issuer(
      certificate: authority.issuer.certificate, use: .devices, signer: signer, points: instance.points)
    let request = try Instance.request()
    let issued = try await instance.certification("device", issuer).issue(
      instance.devicePermit(), request: request, identity: instance.identity(), now: instance.now
    ).get()
    #expect(issued.facts.issuerKeyID == authority.issuer.keyID)
    #expect(await signer.count == 1)
  }

  @Test func `a scalar that is none is refused`() {
    for bytes in [[UInt8](repeating: 0, count: 32), [1, 2, 3], [UInt8](repeating: 0xff, count: 32)] {
      #expect(throws: (any Error).self) { try SoftwareSigner(.p256, scalar: SecretBytes(copying: bytes)) }
    }
  }
}
