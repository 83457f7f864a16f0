/// The kinds of subject keys that Muster certifies.
public enum KeyAlgorithm: String, Codable, Sendable, CaseIterable {
  case p256, p384, ed25519
  /// 2048 to 4096 bits.
  case rsa
}

/// A signature algorithm (RFC 5758, RFC 8410, RFC 8017 §8.2). SHA-1 and MD5 have no case.
public enum SignatureAlgorithm: Sendable, CaseIterable {
  case ecdsaWithSHA256, ecdsaWithSHA384, ecdsaWithSHA512
  case rsaWithSHA256, rsaWithSHA384, rsaWithSHA512
  case ed25519

  /// AlgorithmIdentifier. RSA's parameters are NULL (RFC 4055 §5), the others' absent.
  var der: [UInt8] {
    switch self {
    case .ecdsaWithSHA256: TLV.sequence(OID.ecdsaWithSHA256)
    case .ecdsaWithSHA384: TLV.sequence(OID.ecdsaWithSHA384)
    case .ecdsaWithSHA512: TLV.sequence(OID.ecdsaWithSHA512)
    case .rsaWithSHA256: TLV.sequence(OID.sha256WithRSA, TLV.null)
    case .rsaWithSHA384: TLV.sequence(OID.sha384WithRSA, TLV.null)
    case .rsaWithSHA512: TLV.sequence(OID.sha512WithRSA, TLV.null)
    case .ed25519: TLV.sequence(OID.ed25519)
    }
  }

  /// nil unless `der` is the AlgorithmIdentifier of a signature that Muster takes.
  init?(der: some Collection<UInt8>) {
    guard let match = Self.allCases.first(where: { $0.der.elementsEqual(der) }) else { return nil }
    self = match
  }
}
