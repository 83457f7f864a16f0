import MusterModel

/// What certificates of one issuer and one profile have in common, as DER already.
struct CertificateTemplate: Sendable {
  private let algorithm: [UInt8]
  private let issuer: [UInt8]
  /// Basic constraints, key usage, extended key usage.
  private let head: [UInt8]
  private let authorityKeyIdentifier: [UInt8]
  /// Authority information access and, for a responder, id-pkix-ocsp-nocheck.
  private let tail: [UInt8]
  private let points: PublicationPoints
  private let keyID: String
  private let hasCRLAddress: Bool

  init(profile: Profile, issuer: Issuer) {
    algorithm = issuer.signer.algorithm.der
    self.issuer = issuer.name.der
    head =
      ExtensionEncoding.basicConstraints(isCA: false).der
      + ExtensionEncoding.keyUsage(Set(profile.keyUsage.map(\.bit))).der
      + ExtensionEncoding.extendedKeyUsage(profile.purposes).der
    authorityKeyIdentifier = ExtensionEncoding.authorityKeyIdentifier(issuer.subjectKeyIdentifier).der
    (points, keyID) = (issuer.points, issuer.keyID)
    let addresses = profile.addresses
    hasCRLAddress = addresses.contains(.crl)
    var tail: [UInt8] = []
    if addresses.contains(.ocsp) || addresses.contains(.issuer) {
      tail +=
        ExtensionEncoding.authorityInfoAccess(
          ocsp: addresses.contains(.ocsp) ? points.ocsp : nil,
          issuer: addresses.contains(.issuer) ? points.certificate(issuer: keyID) : nil
        ).der
    }
    if profile.subject == .ocspResponder { tail += ExtensionEncoding.ocspNoCheck.der }
    self.tail = tail
  }

  /// TBSCertificate.
  func toBeSigned(
    names: SubjectNames, key: SubjectPublicKey, identity: CertificateIdentity, validity: CertificateValidity
  ) -> [UInt8] {
    var extensions = head
    if !names.alternativeNames.isEmpty {
      extensions += ExtensionEncoding.subjectAlternativeName(names.alternativeNames).der
    }
    extensions += ExtensionEncoding.subjectKeyIdentifier(key.subjectKeyIdentifier).der
    extensions += authorityKeyIdentifier
    if hasCRLAddress {
      let address = points.crl(issuer: keyID, shard: identity.shard)
      extensions += ExtensionEncoding.crlDistributionPoint(address).der
    }
    extensions += tail
    return TBSCertificate.encode(
      serial: identity.serial.bytes, algorithm: algorithm, issuer: issuer, validity: validity,
      subject: DistinguishedName.encode([(OID.commonName, names.commonName)]), key: key.der, extensions: extensions)
  }
}

/// RFC 5280 §4.1.
enum TBSCertificate {
  private static let version3: [UInt8] = [0xa0, 3, 0x02, 1, 2]

  /// Each part is its complete DER; `serial` is a magnitude, `extensions` the concatenated Extension values.
  static func encode(
    serial: [UInt8], algorithm: [UInt8], issuer: [UInt8], validity: CertificateValidity, subject: [UInt8],
    key: [UInt8], extensions: [UInt8]
  ) -> [UInt8] {
    TLV.sequence(
      version3, TLV.integer(serial), algorithm, issuer,
      TLV.sequence(TLV.time(validity.notBefore), TLV.time(validity.notAfter)), subject, key,
      TLV.tagged(3, TLV.sequence(extensions)))
  }
}

/// Something signed as X.509 has it: a certificate, a CRL, a request.
enum SignedDER {
  static func encode(_ toBeSigned: [UInt8], _ algorithm: SignatureAlgorithm, _ signature: [UInt8]) -> [UInt8] {
    TLV.sequence(toBeSigned, algorithm.der, TLV.bitString(signature))
  }
}

struct CertificateValidity: Sendable, Hashable {
  let notBefore: Timestamp
  let notAfter: Timestamp

  /// By the profile, within the issuer's own time; nil where that is over or has not begun.
  init?(profile: Profile, issuer: Issuer, now: Timestamp) {
    let now = now.wholeSeconds
    guard issuer.notBefore <= now, now < issuer.notAfter else { return nil }
    notBefore = max(now - profile.backdating, issuer.notBefore)
    notAfter = min(now + profile.validity, issuer.notAfter)
  }

  init(notBefore: Timestamp, notAfter: Timestamp) {
    self.notBefore = notBefore
    self.notAfter = notAfter
  }
}
