public import MusterModel
import SwiftASN1

/// A public key that passed the key rules: canonical, on its curve, of a sound size, not known to others.
public struct SubjectPublicKey: Sendable, Hashable {
  public let algorithm: KeyAlgorithm
  /// SubjectPublicKeyInfo, exactly as it was received.
  public let der: [UInt8]
  /// SHA-256 of `der`.
  public let digest: Digest
  /// The content of the BIT STRING, without its count of unused bits.
  let bits: [UInt8]
  private let verification: VerificationKey

  public static func == (left: SubjectPublicKey, right: SubjectPublicKey) -> Bool { left.der == right.der }
  public func hash(into hasher: inout Hasher) { hasher.combine(digest) }

  /// RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 over the BIT STRING's content.
  var subjectKeyIdentifier: [UInt8] { Array(Digest.sha256(bits).bytes.prefix(20)) }

  /// First 20 bytes of SHA-256 over the SubjectPublicKeyInfo, in hex: how an issuer is named in addresses and tables.
  public var keyID: String { Hex.encode(digest.bytes.prefix(20)) }

  /// Reads a SubjectPublicKeyInfo and holds it to the key rules. The work is bounded by the size of an RSA key.
  public static func check(
    _ der: some Collection<UInt8>, blocked: BlockedKeys
  ) -> Result<SubjectPublicKey, RequestRefusal> {
    let der = Array(der)
    guard der.count <= CertificateRequest.sizeLimit else { return .failure(.tooLarge(der.count)) }
    do {
      let key = try SubjectPublicKey(ASN1Node.parse(der[...], "a subject public key"))
      return blocked.contains(key.digest) ? .failure(.keyBlocked) : .success(key)
    } catch let refusal as RequestRefusal {
      return .failure(refusal)
    } catch {
      return .failure(.malformed("\(error)"))
    }
  }

  /// Throws `RequestRefusal` or `MalformedDER`.
  init(_ node: ASN1Node) throws {
    var fields = try Fields(of: node, "a subject public key")
    let algorithm = try fields.take("the algorithm")
    bits = Array(try fields.take("the key").wholeBits("the subject public key"))
    try fields.end()
    (self.algorithm, verification) = try Self.read(algorithm, bits)
    der = Array(node.encodedBytes)
    digest = Digest.sha256(der)
  }

  private static func read(_ node: ASN1Node, _ bits: [UInt8]) throws -> (KeyAlgorithm, VerificationKey) {
    if node.encodedBytes.elementsEqual(p256Algorithm) { return (.p256, try p256(bits)) }
    var fields = try Fields(of: node, "a key's algorithm")
    let identifier = try fields.take("its identifier").objectIdentifier("a key's algorithm")
    let parameters = fields.isAtEnd ? nil : try fields.take("its parameters")
    try fields.end()
    switch Array(identifier) {
    case OID.ecPublicKey:
      return (.p384, try p384(bits, parameters))
    case OID.ed25519:
      guard parameters == nil else {
        throw RequestRefusal.keyEncoding("expected no parameters with an Ed25519 key, found some")
      }
      return (.ed25519, .ed25519(try EdwardsKeyRules.key(bits)))
    case OID.rsaEncryption:
      guard parameters?.identifier == .null else {
        throw RequestRefusal.keyEncoding("expected NULL parameters with an RSA key, found others")
      }
      return (.rsa, .rsa(try RSAKeyRules.key(bits)))
    case let other:
      throw RequestRefusal.keyAlgorithm(dotted(other))
    }
  }

  private static let p256Algorithm = TLV.sequence(OID.ecPublicKey, OID.secp256r1)

  private static func p256(_ bits: [UInt8]) throws(RequestRefusal) -> VerificationKey {
    try requireUncompressed(bits, count: 65)
    guard let key = VerificationKey(p256: bits) else { throw .keyPoint }
    return key
  }

  private static func p384(_ bits: [UInt8], _ parameters: ASN1Node?) throws(RequestRefusal) -> VerificationKey {
    guard let parameters, parameters.identifier == .objectIdentifier else {
      throw .keyEncoding(
        "expected a named curve (RFC 5480 §2.1.1), found \(parameters == nil ? "none" : "another form")")
    }
    guard parameters.encodedBytes.elementsEqual(OID.secp384r1) else {
      throw .keyAlgorithm("the curve \(dotted(parameters.encodedBytes))")
    }
    try requireUncompressed(bits, count: 97)
    guard let key = VerificationKey(p384: bits) else { throw .keyPoint }
    return key
  }

  /// One form alone, so that one key has one digest.
  private static func requireUncompressed(_ bits: [UInt8], count: Int) throws(RequestRefusal) {
    guard bits.count == count, bits[0] == 4 else {
      throw .keyEncoding("expected an uncompressed point of \(count) bytes, found \(bits.count) bytes of another form")
    }
  }

  /// Whether `signature`, as X.509 carries it, is this key's over `bytes`. False where the algorithm is not the key's.
  func isValid(
    _ signature: some Collection<UInt8>, over bytes: some Collection<UInt8>, _ algorithm: SignatureAlgorithm
  ) -> Bool {
    verification.isValid(Array(signature), over: Array(bytes), algorithm)
  }

  /// Whether a signature by `signature` can be this key's at all.
  func fits(_ signature: SignatureAlgorithm) -> Bool {
    switch (algorithm, signature) {
    case (.p256, .ecdsaWithSHA256), (.p256, .ecdsaWithSHA384), (.p256, .ecdsaWithSHA512),
      (.p384, .ecdsaWithSHA256), (.p384, .ecdsaWithSHA384), (.p384, .ecdsaWithSHA512),
      (.rsa, .rsaWithSHA256), (.rsa, .rsaWithSHA384), (.rsa, .rsaWithSHA512), (.ed25519, .ed25519):
      true
    default: false
    }
  }
}
