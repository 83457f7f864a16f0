public import MusterModel

/// What is known of a certificate's serial number.
public enum CertificateStatus: Sendable, Hashable {
  /// It was issued and is not revoked.
  case good
  case revoked(RevocationReason, at: Timestamp)
  /// It was not issued by this issuer.
  case unknown
}

/// An OCSP response (RFC 6960 §4.2), as it is sent.
public struct OCSPResponse: Sendable, Hashable {
  public let der: [UInt8]

  public static let malformedRequest = OCSPResponse(error: 1)
  public static let internalError = OCSPResponse(error: 2)
  public static let tryLater = OCSPResponse(error: 3)
  /// The question is about another issuer's certificate (RFC 5019 §2.2.3).
  public static let unauthorized = OCSPResponse(error: 6)

  private init(error status: UInt8) { der = TLV.sequence(TLV.enumerated(status)) }

  init(basic: [UInt8]) {
    der = TLV.sequence(
      TLV.enumerated(0), TLV.tagged(0, TLV.sequence(OID.ocspBasic, TLV.octetString(basic))))
  }
}

/// The delegated responder of one issuing CA: signs what is known of its certificates.
public struct OCSPResponder: Sendable {
  /// What a nonce may have to be answered; others are taken as if absent (RFC 9654 §2.1).
  public static let nonceSizes = 16...32

  public let issuerKeyID: String
  private let signer: any Signer
  private let certificate: [UInt8]
  private let responderID: [UInt8]
  private let hashes: [OCSPCertificateID.HashAlgorithm: (name: [UInt8], key: [UInt8])]

  /// Throws `CertificationError.issuer` unless `certificate` is `issuer`'s, for OCSP signing, and the signer's.
  public init(issuer: Issuer, certificate: [UInt8], signer: any Signer) throws {
    let isResponder: Bool
    do {
      let contents = try CertificateContents(certificate)
      let purposes = try ExtensionValues.extendedKeyUsage(contents.value(of: OID.extendedKeyUsage) ?? [])
      isResponder =
        contents.issuer == issuer.name.der && purposes == [OID.ocspSigning]
        && contents.subjectPublicKeyInfo == signer.publicKey.der
        && issuer.publicKey.isValid(contents.signature, over: contents.signed, issuer.signer.algorithm)
    } catch {
      throw CertificationError.issuer("\(error)")
    }
    guard isResponder else {
      throw CertificationError.issuer("expected the certificate of the issuer's own responder, found another")
    }
    issuerKeyID = issuer.keyID
    self.signer = signer
    self.certificate = certificate
    // By key: the hash names the responder and protects nothing (§4.2.1).
    responderID = TLV.tagged(2, TLV.octetString(OCSPCertificateID.HashAlgorithm.sha1.hash(signer.publicKey.bits)))
    hashes = Dictionary(
      uniqueKeysWithValues: OCSPCertificateID.HashAlgorithm.allCases.map {
        ($0, (name: $0.hash(issuer.name.der), key: $0.hash(issuer.publicKey.bits)))
      })
  }

  /// Whether the question is about a certificate of this responder's issuer.
  public func answers(_ id: OCSPCertificateID) -> Bool {
    guard let own = hashes[id.hashAlgorithm] else { return false }
    return own.name == id.issuerNameHash && own.key == id.issuerKeyHash
  }

  /// A signed answer with one status per certificate asked about, in order, or `unauthorized` where one is another
  /// issuer's. Pass `nonce` nil for an answer that is kept and given again. Throws what the signer throws.
  public func respond(
    to certificates: [(id: OCSPCertificateID, status: CertificateStatus)], nonce: [UInt8]?, producedAt: Timestamp,
    thisUpdate: Timestamp, nextUpdate: Timestamp
  ) async throws -> OCSPResponse {
    guard !certificates.isEmpty, certificates.allSatisfy({ answers($0.id) }) else { return .unauthorized }
    let singles = certificates.map { single($0.id, $0.status, thisUpdate, nextUpdate) }
    let data = TLV.sequence(
      responderID, TLV.generalizedTime(producedAt), TLV.sequence(of: singles), Self.responseExtensions(nonce))
    let signature = try await signer.sign(data)
    let basic = TLV.sequence(
      data, signer.algorithm.der, TLV.bitString(signature), TLV.tagged(0, TLV.sequence(certificate)))
    return OCSPResponse(basic: basic)
  }

  private static func responseExtensions(_ nonce: [UInt8]?) -> [UInt8] {
    guard let nonce, nonceSizes.contains(nonce.count) else { return [] }
    return TLV.tagged(1, TLV.sequence(CertificateExtension(OID.ocspNonce, TLV.octetString(nonce)).der))
  }

  private func single(
    _ id: OCSPCertificateID, _ status: CertificateStatus, _ thisUpdate: Timestamp, _ nextUpdate: Timestamp
  ) -> [UInt8] {
    TLV.sequence(
      id.der, Self.encode(status), TLV.generalizedTime(thisUpdate), TLV.tagged(0, TLV.generalizedTime(nextUpdate)))
  }

  private static func encode(_ status: CertificateStatus) -> [UInt8] {
    switch status {
    case .good: TLV.primitive(0, [])
    case .unknown: TLV.primitive(2, [])
    case .revoked(.unspecified, let time): TLV.tagged(1, TLV.generalizedTime(time))
    case .revoked(let reason, let time):
      TLV.tagged(1, TLV.generalizedTime(time), TLV.tagged(0, TLV.enumerated(UInt8(reason.code))))
    }
  }
}
