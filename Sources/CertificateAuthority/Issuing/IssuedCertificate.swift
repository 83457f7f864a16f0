public import MusterModel
import Policy

/// A certificate that lacks its signature. An object, for it is handed on many times.
public final class UnsignedCertificate: Sendable {
  /// TBSCertificate.
  public let toBeSigned: [UInt8]
  let permit: IssuancePermit
  let profile: Profile
  public let issuer: Issuer
  let identity: CertificateIdentity
  let key: SubjectPublicKey
  let request: VerifiedRequest?
  let now: Timestamp
  let record: RecordID?

  init(
    toBeSigned: [UInt8], permit: IssuancePermit, profile: Profile, issuer: Issuer, identity: CertificateIdentity,
    key: SubjectPublicKey, request: VerifiedRequest?, now: Timestamp, record: RecordID?
  ) {
    self.toBeSigned = toBeSigned
    self.permit = permit
    self.profile = profile
    self.issuer = issuer
    self.identity = identity
    self.key = key
    self.request = request
    self.now = now
    self.record = record
  }

  /// Signed by its issuer, on the caller's thread. Throws `CertificationError.issuer` where the issuer's key is elsewhere and
  /// has to be waited for.
  public func signedAtOnce() throws -> SignedCertificate {
    guard let signer = issuer.promptSigner else {
      throw CertificationError.issuer("expected a key that signs at once, found one to wait for")
    }
    return SignedCertificate(unsigned: self, signature: try signer.signature(of: toBeSigned))
  }

  /// Signed by its issuer.
  public func signed() async throws -> IssuedCertificate {
    try signed(with: try await issuer.signer.sign(toBeSigned))
  }

  /// Adds the signature, reads the whole back, and holds it to permit, profile and key. Throws
  /// `CertificationError.differs`; then nothing of it may be released.
  public func signed(with signature: [UInt8]) throws -> IssuedCertificate {
    try signed(with: signature, isVerified: true)
  }

  fileprivate func signed(with signature: [UInt8], isVerified: Bool) throws -> IssuedCertificate {
    let der = SignedDER.encode(toBeSigned, issuer.signer.algorithm, signature)
    let contents = try IssuedCheck(self, isVerified: isVerified).check(der)
    let attachment = Attachment(der)
    let facts = CertificateFacts(
      certificate: identity.certificate, subject: record, issuerKeyID: issuer.keyID, serial: identity.serialHex,
      profile: profile.name, notBefore: contents.notBefore, notAfter: contents.notAfter, shard: identity.shard,
      publicKey: key.digest, der: attachment.digest, request: request?.digest)
    return IssuedCertificate(facts: facts, attachments: [attachment] + [request?.attachment].compactMap(\.self))
  }
}

/// A certificate that this process signed a moment ago with a key in its memory, and did not read back yet.
public struct SignedCertificate: Sendable {
  fileprivate let unsigned: UnsignedCertificate
  fileprivate let signature: [UInt8]

  /// Reads the whole back, and holds it to permit, profile and key. The signature is not verified, which costs twice what
  /// signing does. Throws `CertificationError.differs`; then nothing of it may be released.
  public func checked() throws -> IssuedCertificate { try unsigned.signed(with: signature, isVerified: false) }
}

/// A certificate that was signed and found to be what was permitted. It may be released once its commit is on disk.
public struct IssuedCertificate: Sendable, Hashable {
  public let facts: CertificateFacts
  /// What the event that records it attaches: the certificate, and the request where there was one.
  public let attachments: [Attachment]

  fileprivate init(facts: CertificateFacts, attachments: [Attachment]) {
    (self.facts, self.attachments) = (facts, attachments)
  }

  public var der: [UInt8] { attachments[0].bytes }
}

extension CertificateFacts {
  /// When a client should renew: from two thirds of the validity on.
  public var renewalDue: Timestamp {
    Timestamp(milliseconds: notBefore.milliseconds + (notAfter.milliseconds - notBefore.milliseconds) / 3 * 2)
  }
}
