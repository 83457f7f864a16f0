public import MusterModel

/// The certificate of a TPM maker's CA, as an operator imports it: readable, a CA's, and small.
public struct MakerIssuer: Sendable, Hashable {
  public let der: [UInt8]
  /// SHA-256 of the DER.
  public let digest: Digest
  /// SHA-256 of the SubjectPublicKeyInfo.
  public let key: Digest
  /// The subject's common name, or the start of the digest: for people.
  public let name: String
  /// Self-issued: trusted by itself. The others help to build a path.
  public let isAnchor: Bool
  public let notBefore: Timestamp
  public let notAfter: Timestamp

  /// Reads DER, by the loose reader. Refused as `certificate-not-ca` where it is an end entity's.
  public static func parse(_ der: [UInt8]) -> Result<MakerIssuer, AttestationRefusal> {
    Result { () throws(AttestationRefusal) in
      guard der.count <= MakerCertificate.sizeLimit else { throw .certificateTooLarge(found: der.count) }
      guard let certificate = try? MakerCertificate(der) else { throw .certificateUnreadable }
      let extensions = certificate.extensions
      guard certificate.isVersion3, extensions.isCA == true, extensions.maySignCertificates,
        !extensions.hasUnknownCritical
      else { throw .notCA }
      return MakerIssuer(
        der: der, digest: certificate.digest, key: .sha256(certificate.key.subjectPublicKeyInfo),
        name: certificate.displayName, isAnchor: certificate.isSelfIssued, notBefore: certificate.notBefore,
        notAfter: certificate.notAfter)
    }
  }
}
