public import MusterModel

/// The CAs that `init` makes: an offline root and, below it, one issuing CA for devices and one for services.
public struct Hierarchy: Sendable {
  /// A CA and what is nowhere else yet of its key: seal it, then let it go.
  public struct Authority: Sendable {
    public let use: IssuerUse
    /// The private scalar, or what finds the key where it is kept.
    public let secret: SecretBytes
    public let issuer: Issuer

    /// The event's body; `key` is the record under which the private key its secret is sealed, nil for the root.
    public func added(key: RecordID?) -> IssuerAdded {
      IssuerAdded(
        use: use, issuerKeyID: issuer.keyID, key: key, certificate: Digest.sha256(issuer.certificate),
        notBefore: issuer.notBefore, notAfter: issuer.notAfter)
    }
  }

  public let root: Authority
  public let devices: Authority
  public let service: Authority

  public static let rootYears = 25
  public static let issuingYears = 10

  /// Root CA: P-384, 25 years, path length 1. Issuing CAs: P-256, 10 years, path length 0. `organization` becomes O;
  /// 1 to 64 characters without controls, or nil. `issuingKey` makes the key of one issuing CA; it may block.
  public static func make(
    organization: String?, points: PublicationPoints, now: Timestamp,
    issuingKey: (IssuerUse) throws -> IssuingKey = { _ in try .software() }
  ) throws -> Hierarchy {
    if let organization {
      guard (1...64).contains(organization.unicodeScalars.count), organization.utf8.count <= 100,
        organization.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
      else { throw CertificationError.hierarchy("expected an organization of 1 to 64 characters, found another") }
    }
    let start = now.wholeSeconds
    let (root, signer) = try makeRoot(organization, points, start)
    func issuing(_ use: IssuerUse) throws -> Authority {
      try makeIssuing(use, try issuingKey(use), below: root.issuer, signer, organization, start)
    }
    return Hierarchy(root: root, devices: try issuing(.devices), service: try issuing(.service))
  }

  private static func makeRoot(
    _ organization: String?, _ points: PublicationPoints, _ start: Timestamp
  ) throws -> (Authority, SoftwareSigner) {
    let (scalar, signer) = try SoftwareSigner.generate(.p384)
    let name = name("root CA", organization, signer.publicKey)
    let identifier = signer.publicKey.subjectKeyIdentifier
    let extensions = [
      ExtensionEncoding.basicConstraints(pathLength: 1, isCA: true), ExtensionEncoding.keyUsage(KeyUsageBits.authority),
      ExtensionEncoding.subjectKeyIdentifier(identifier), ExtensionEncoding.authorityKeyIdentifier(identifier),
    ]
    let body = TBSCertificate.encode(
      serial: UUIDv7(at: start).bytes, algorithm: signer.algorithm.der, issuer: name,
      validity: try validity(start, years: rootYears), subject: name, key: signer.publicKey.der,
      extensions: extensions.flatMap(\.der))
    let der = SignedDER.encode(body, signer.algorithm, try signer.signature(of: body))
    try verify(der, with: signer)
    return (try authority(.root, IssuingKey(signer: signer, secret: scalar), der, points), signer)
  }

  /// Another issuing CA below a root that signs, in place of one that `make` made.
  public static func issuing(
    _ use: IssuerUse, _ key: IssuingKey, below root: Issuer, _ rootSigner: SoftwareSigner, organization: String?,
    now: Timestamp
  ) throws -> Authority {
    try makeIssuing(use, key, below: root, rootSigner, organization, now.wholeSeconds)
  }

  private static func makeIssuing(
    _ use: IssuerUse, _ key: IssuingKey, below parent: Issuer, _ rootSigner: SoftwareSigner, _ organization: String?,
    _ start: Timestamp
  ) throws -> Authority {
    let publicKey = key.signer.publicKey
    let extensions = [
      ExtensionEncoding.basicConstraints(pathLength: 0, isCA: true), ExtensionEncoding.keyUsage(KeyUsageBits.authority),
      ExtensionEncoding.subjectKeyIdentifier(publicKey.subjectKeyIdentifier),
      ExtensionEncoding.authorityKeyIdentifier(parent.subjectKeyIdentifier),
      ExtensionEncoding.crlDistributionPoint(parent.points.crl(issuer: parent.keyID, shard: nil)),
      ExtensionEncoding.authorityInfoAccess(ocsp: nil, issuer: parent.points.certificate(issuer: parent.keyID)),
    ]
    let body = TBSCertificate.encode(
      serial: UUIDv7(at: start).bytes, algorithm: rootSigner.algorithm.der, issuer: parent.name.der,
      validity: try validity(start, years: issuingYears),
      subject: name("\(use.rawValue) CA", organization, publicKey), key: publicKey.der,
      extensions: extensions.flatMap(\.der))
    let der = SignedDER.encode(body, rootSigner.algorithm, try rootSigner.signature(of: body))
    try verify(der, with: rootSigner)
    return try authority(use, key, der, parent.points)
  }

  /// What was just signed must read, and verify, before anything is built on it.
  private static func verify(_ der: [UInt8], with signer: SoftwareSigner) throws {
    let contents = try CertificateContents(der)
    guard signer.publicKey.isValid(contents.signature, over: contents.signed, signer.algorithm) else {
      throw CertificationError.differs("signature of a CA")
    }
  }

  private static func authority(
    _ use: IssuerUse, _ key: IssuingKey, _ der: [UInt8], _ points: PublicationPoints
  ) throws -> Authority {
    Authority(
      use: use, secret: key.secret,
      issuer: try Issuer(certificate: der, use: use, signer: key.signer, points: points))
  }

  /// The key's first digits keep names apart where a CA is made anew, or two instances meet at one hub.
  private static func name(_ role: String, _ organization: String?, _ key: SubjectPublicKey) -> [UInt8] {
    let commonName = (type: OID.commonName, text: "Muster \(role) \(key.keyID.prefix(8))")
    return DistinguishedName.encode(
      (organization.map { [(type: OID.organizationName, text: $0)] } ?? []) + [commonName])
  }

  private static func validity(_ start: Timestamp, years: Int) throws(CertificationError) -> CertificateValidity {
    var end = CivilTime(start)
    end.year += years
    if end.month == 2 { end.day = min(end.day, 28) }
    guard let end = end.timestamp else { throw .hierarchy("expected a time before the year 9999, found \(start)") }
    return CertificateValidity(notBefore: start, notAfter: end - .seconds(1))
  }
}
