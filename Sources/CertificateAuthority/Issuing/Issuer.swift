public import MusterModel

/// A CA that issues: its certificate, and the signer that holds its key. An object, for every certificate refers to it.
public final class Issuer: Sendable {
  public let use: IssuerUse
  /// The certificate's DER.
  public let certificate: [UInt8]
  /// First 20 bytes of SHA-256 over the SPKI, in hex.
  public let keyID: String
  public let publicKey: SubjectPublicKey
  public let notBefore: Timestamp
  public let notAfter: Timestamp
  public let signer: any Signer
  /// The same, where it signs at once; nil where it has to be waited for.
  public let promptSigner: (any PromptSigner)?
  public let points: PublicationPoints
  let name: DistinguishedName
  let subjectKeyIdentifier: [UInt8]

  /// Throws `CertificationError.issuer` unless the certificate is a CA's that may sign certificates and CRLs, and the
  /// signer holds its key.
  public init(certificate der: [UInt8], use: IssuerUse, signer: any Signer, points: PublicationPoints) throws {
    let contents: CertificateContents
    let constraints: ExtensionValues.BasicConstraints
    let usage: Set<Int>
    do {
      contents = try CertificateContents(der)
      constraints = try ExtensionValues.basicConstraints(contents.value(of: OID.basicConstraints) ?? [])
      name = try DistinguishedName(der: contents.subject)
      usage = try ExtensionValues.keyUsage(contents.value(of: OID.keyUsage) ?? [])
      subjectKeyIdentifier = try ExtensionValues.subjectKeyIdentifier(
        contents.value(of: OID.subjectKeyIdentifier) ?? [])
    } catch {
      throw CertificationError.issuer("\(error)")
    }
    guard constraints.isCA, usage.isSuperset(of: KeyUsageBits.authority) else {
      throw CertificationError.issuer("expected a CA that signs certificates and CRLs, found another certificate")
    }
    guard contents.subjectPublicKeyInfo == signer.publicKey.der else {
      throw CertificationError.issuer("expected the signer of the certificate's key, found another")
    }
    self.use = use
    certificate = der
    publicKey = signer.publicKey
    keyID = signer.publicKey.keyID
    notBefore = contents.notBefore
    notAfter = contents.notAfter
    self.signer = signer
    promptSigner = signer as? any PromptSigner
    self.points = points
  }
}

extension Issuer {
  /// The key of a CA's certificate.
  public static func publicKey(of certificate: [UInt8]) throws -> SubjectPublicKey {
    try SubjectPublicKey.check(try CertificateContents(certificate).subjectPublicKeyInfo, blocked: .none).get()
  }
}

/// The bits of keyUsage that a CA has (RFC 5280 §4.2.1.3).
enum KeyUsageBits {
  static let keyCertSign = 5
  static let cRLSign = 6
  static let authority: Set<Int> = [keyCertSign, cRLSign]

  /// KeyUsage with its trailing zero bits left out (X.690 §11.2.2).
  static func encode(_ bits: Set<Int>) -> [UInt8] {
    let byte = bits.reduce(0 as UInt8) { $0 | 0x80 >> UInt8($1) }
    return TLV.encode(0x03, [[UInt8(byte.trailingZeroBitCount), byte]])
  }
}

/// What went wrong in issuing that no caller can mend.
public enum CertificationError: Error, CustomStringConvertible, Sendable {
  case issuer(String)
  /// The profile is not for this issuer.
  case profile(String)
  /// What was signed is not what was permitted. Nothing of it may be released.
  case differs(String)
  case hierarchy(String)

  public var description: String {
    switch self {
    case .issuer(let why), .profile(let why), .hierarchy(let why): why
    case .differs(let what): "expected the certificate that was permitted, found another \(what)"
    }
  }
}
