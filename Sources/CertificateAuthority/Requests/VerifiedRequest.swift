public import MusterModel

/// A request whose key is sound and whose maker holds the private key. Only `CertificateRequest.verify` makes one.
public final class VerifiedRequest: Sendable {
  /// Its DER, with the SHA-256 of that.
  public let attachment: Attachment
  public let key: SubjectPublicKey
  /// What the request asks to be named. Nothing of it goes into a certificate.
  public let subject: DistinguishedName
  /// What extensions it asks for.
  let extensions: [CertificateExtension]

  init(der: [UInt8], key: SubjectPublicKey, subject: DistinguishedName, extensions: [CertificateExtension]) {
    attachment = Attachment(der)
    self.key = key
    self.subject = subject
    self.extensions = extensions
  }

  public var der: [UInt8] { attachment.bytes }
  /// SHA-256 of `der`.
  public var digest: Digest { attachment.digest }
  /// SHA-256 of the SubjectPublicKeyInfo.
  public var publicKey: Digest { key.digest }

  /// RFC 7030 §4.2.2: a renewal's subject must be the current certificate's, and its SAN too where it has one.
  /// nil where both hold. `current` is the DER of a certificate of this CA; one that does not read is refused.
  public func refusalAsRenewal(of current: [UInt8]) -> RequestRefusal? {
    let certificate: CertificateContents
    do {
      certificate = try CertificateContents(current)
      guard subject.isSame(as: try DistinguishedName(der: certificate.subject)) else { return .renewalSubject }
    } catch {
      return .malformed("\(error)")
    }
    guard let asked = extensions.first(where: { $0.type == OID.subjectAlternativeName }) else { return nil }
    guard let has = certificate.extensions.first(where: { $0.type == OID.subjectAlternativeName }),
      let askedNames = try? GeneralName.list(asked.value), let hasNames = try? GeneralName.list(has.value),
      Set(askedNames) == Set(hasNames), askedNames.count == hasNames.count
    else { return .renewalAlternativeName }
    return nil
  }
}

extension VerifiedRequest: Hashable {
  /// All of a request follows from its DER.
  public static func == (left: VerifiedRequest, right: VerifiedRequest) -> Bool { left.der == right.der }

  public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
