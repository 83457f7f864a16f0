public import MusterModel

/// One certificate of a CRL.
public struct RevokedCertificate: Sendable, Hashable {
  /// The 16 bytes of the serial number.
  public let serial: [UInt8]
  public let at: Timestamp
  public let reason: RevocationReason

  public init(serial: [UInt8], at time: Timestamp, reason: RevocationReason) {
    self.serial = serial
    at = time
    self.reason = reason
  }
}

/// A CRL (RFC 5280 §5): version 2, numbered, of all of an issuer's certificates or of one shard of them.
public struct RevocationList: Sendable, Hashable {
  public let der: [UInt8]
  /// The body of the event that says it is offered.
  public let published: CRLPublished

  /// Builds, signs, and verifies the signature. `shard` nil gives the full CRL, which has no issuing distribution
  /// point; a shard's names its own address, critically, so that it is never taken for the whole.
  /// Throws `CertificationError` for times in disorder, and whatever the signer throws.
  public static func sign(
    by issuer: Issuer, shard: UInt32?, number: UInt64, thisUpdate: Timestamp, nextUpdate: Timestamp,
    revoked: [RevokedCertificate]
  ) async throws -> RevocationList {
    guard thisUpdate.wholeSeconds < nextUpdate.wholeSeconds else {
      throw CertificationError.issuer("expected the next update after \(thisUpdate), found \(nextUpdate)")
    }
    let extensions = extensions(issuer, shard: shard, number: number)
    let body = TLV.sequence(
      TLV.integer(1), issuer.signer.algorithm.der, issuer.name.der, TLV.time(thisUpdate), TLV.time(nextUpdate),
      // An empty list is left out (§5.1.2.6).
      revoked.isEmpty ? [] : TLV.sequence(entries(revoked)),
      TLV.tagged(0, TLV.sequence(of: extensions.map(\.der))))
    let signature = try await issuer.signer.sign(body)
    guard issuer.publicKey.isValid(signature, over: body, issuer.signer.algorithm) else {
      throw CertificationError.differs("signature of a CRL")
    }
    let der = SignedDER.encode(body, issuer.signer.algorithm, signature)
    return RevocationList(
      der: der,
      published: CRLPublished(
        issuerKeyID: issuer.keyID, shard: shard, number: number, thisUpdate: thisUpdate.wholeSeconds,
        nextUpdate: nextUpdate.wholeSeconds, entries: revoked.count, der: Digest.sha256(der)))
  }

  private static func extensions(_ issuer: Issuer, shard: UInt32?, number: UInt64) -> [CertificateExtension] {
    var extensions = [
      ExtensionEncoding.authorityKeyIdentifier(issuer.subjectKeyIdentifier),
      CertificateExtension(OID.crlNumber, TLV.integer(number)),
    ]
    if let shard {
      let fullName = TLV.tagged(0, GeneralName.uri(issuer.points.crl(issuer: issuer.keyID, shard: shard)).der)
      // onlyContainsUserCerts (§5.2.5): a shard holds what an issuing CA issued, never a CA.
      let value = TLV.sequence(TLV.tagged(0, fullName), TLV.primitive(1, [0xff]))
      extensions.append(CertificateExtension(OID.issuingDistributionPoint, isCritical: true, value))
    }
    return extensions
  }

  /// All entries, in one buffer: a CRL may have a hundred thousand.
  static func entries(_ revoked: [RevokedCertificate]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(revoked.count * 52)
    for certificate in revoked {
      let parts = [TLV.integer(certificate.serial), TLV.time(certificate.at), reasons[certificate.reason] ?? []]
      out.append(0x30)
      TLV.appendLength(parts.reduce(0) { $0 + $1.count }, to: &out)
      for part in parts { out.append(contentsOf: part) }
    }
    return out
  }

  /// The entry extensions of each reason; `unspecified` is left out (§5.3.1).
  private static let reasons: [RevocationReason: [UInt8]] = Dictionary(
    uniqueKeysWithValues: RevocationReason.allCases.filter { $0 != .unspecified }.map { reason in
      (reason, TLV.sequence(CertificateExtension(OID.reasonCode, TLV.enumerated(UInt8(reason.code))).der))
    })
}
