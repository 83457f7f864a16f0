import MusterModel

/// A TPM object's public area, TPMT_PUBLIC (TPM 2.0 Library part 2 §12.2.4), of an asymmetric key: as it was read, byte
/// for byte, so that its name is the name of what was signed.
public struct TPMPublic: Sendable, Hashable {
  /// TPMA_OBJECT (part 2 §8.3).
  public struct Attributes: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let fixedTPM = Attributes(rawValue: 1 << 1)
    public static let stClear = Attributes(rawValue: 1 << 2)
    public static let fixedParent = Attributes(rawValue: 1 << 4)
    public static let sensitiveDataOrigin = Attributes(rawValue: 1 << 5)
    public static let userWithAuth = Attributes(rawValue: 1 << 6)
    public static let adminWithPolicy = Attributes(rawValue: 1 << 7)
    public static let firmwareLimited = Attributes(rawValue: 1 << 8)
    public static let svnLimited = Attributes(rawValue: 1 << 9)
    public static let noDA = Attributes(rawValue: 1 << 10)
    public static let encryptedDuplication = Attributes(rawValue: 1 << 11)
    public static let restricted = Attributes(rawValue: 1 << 16)
    public static let decrypt = Attributes(rawValue: 1 << 17)
    public static let sign = Attributes(rawValue: 1 << 18)
    public static let x509sign = Attributes(rawValue: 1 << 19)

    static let known: Attributes = [
      .fixedTPM, .stClear, .fixedParent, .sensitiveDataOrigin, .userWithAuth, .adminWithPolicy, .firmwareLimited,
      .svnLimited, .noDA, .encryptedDuplication, .restricted, .decrypt, .sign, .x509sign,
    ]
  }

  /// A scheme by its TPM_ALG_ID and its hash; nil is TPM_ALG_NULL.
  public struct Scheme: Sendable, Hashable {
    public let algorithm: UInt16
    public let hash: UInt16?
  }

  /// TPMT_SYM_DEF_OBJECT (part 2 §11.1.7): TPM_ALG_IDs and a key's size.
  public struct Symmetric: Sendable, Hashable {
    public let algorithm: UInt16
    public let keyBits: Int
    public let mode: UInt16

    /// Whether it is AES in CFB mode, as every storage key is (TCG PC Client Platform TPM Profile §4.6).
    var isAESInCFB: Bool {
      algorithm == TPMAlgorithm.aes && mode == TPMAlgorithm.cfb && [128, 192, 256].contains(keyBits)
    }
  }

  public enum Key: Sendable, Hashable {
    /// The exponent 0 stands for 65537; the modulus is most significant byte first.
    case rsa(bits: Int, exponent: UInt32, modulus: [UInt8])
    /// `curve` is a TPM_ECC_CURVE; coordinates are most significant byte first, without a fixed width.
    case ecc(curve: UInt16, x: [UInt8], y: [UInt8])
  }

  /// In bytes, of a whole TPMT_PUBLIC: an RSA key of 4096 bits with a policy needs half of it.
  public static let sizeLimit = 1024

  /// TPMT_PUBLIC as it was read.
  public let bytes: [UInt8]
  /// nil is TPM_ALG_NULL, or a hash that nobody here computes.
  public let nameHash: TPMHash?
  public let attributes: Attributes
  public let authPolicy: [UInt8]
  /// By what it wraps other keys: a storage key has a symmetric algorithm. nil is TPM_ALG_NULL.
  public let symmetric: Symmetric?
  public let scheme: Scheme?
  public let key: Key

  /// Reads a TPM2B_PUBLIC: its size, then exactly so many bytes.
  static func parse(sized bytes: [UInt8]) throws(MalformedTPM) -> TPMPublic {
    var reader = TPMReader(bytes[...], "TPM2B_PUBLIC")
    let area = try reader.sized("the public area", limit: sizeLimit)
    try reader.end()
    return try TPMPublic(Array(area))
  }

  /// Reads a TPMT_PUBLIC.
  init(_ bytes: [UInt8]) throws(MalformedTPM) {
    guard bytes.count <= TPMPublic.sizeLimit else {
      throw MalformedTPM(expected: "at most \(TPMPublic.sizeLimit) bytes of TPMT_PUBLIC", found: "\(bytes.count)")
    }
    var reader = TPMReader(bytes[...], "TPMT_PUBLIC")
    let type = try reader.uint16("type")
    nameHash = TPMHash(rawValue: try reader.uint16("nameAlg"))
    attributes = Attributes(rawValue: try reader.uint32("objectAttributes"))
    // A reserved bit shall be clear (part 2 §8.3.3).
    guard attributes.isSubset(of: .known) else {
      throw MalformedTPM(expected: "the attributes of TPMA_OBJECT", found: "others")
    }
    authPolicy = Array(try reader.sized("authPolicy", limit: 64))
    symmetric = try TPMPublic.readSymmetric(&reader)
    switch type {
    case TPMAlgorithm.rsa: (scheme, key) = try TPMPublic.readRSA(&reader)
    case TPMAlgorithm.ecc: (scheme, key) = try TPMPublic.readECC(&reader)
    default: throw MalformedTPM(expected: "an RSA or ECC key", found: "the type \(type)")
    }
    try reader.end()
    self.bytes = bytes
  }

  private static func readSymmetric(_ reader: inout TPMReader) throws(MalformedTPM) -> Symmetric? {
    switch try reader.uint16("symmetric") {
    case TPMAlgorithm.null: return nil
    case let algorithm where [TPMAlgorithm.aes, TPMAlgorithm.sm4, TPMAlgorithm.camellia].contains(algorithm):
      let keyBits = Int(try reader.uint16("keyBits"))
      return Symmetric(algorithm: algorithm, keyBits: keyBits, mode: try reader.uint16("mode"))
    case let other: throw MalformedTPM(expected: "a block cipher or none", found: "the algorithm \(other)")
    }
  }

  /// TPMS_RSA_PARMS (part 2 §12.2.3.5) and the modulus.
  private static func readRSA(_ reader: inout TPMReader) throws(MalformedTPM) -> (Scheme?, Key) {
    let scheme = try readScheme(
      &reader, hashed: [TPMSigningScheme.rsassa.rawValue, TPMSigningScheme.rsapss.rawValue, TPMAlgorithm.oaep],
      bare: [TPMAlgorithm.rsaes])
    let bits = Int(try reader.uint16("keyBits"))
    let exponent = try reader.uint32("exponent")
    let modulus = try reader.sized("the modulus", limit: 512)
    guard modulus.count * 8 == bits, let first = modulus.first, first & 0x80 != 0 else {
      throw MalformedTPM(expected: "a modulus of \(bits) bits", found: "\(modulus.count) bytes of another")
    }
    return (scheme, .rsa(bits: bits, exponent: exponent, modulus: Array(modulus)))
  }

  /// TPMS_ECC_PARMS (part 2 §12.2.3.6) and the point.
  private static func readECC(_ reader: inout TPMReader) throws(MalformedTPM) -> (Scheme?, Key) {
    let scheme = try readScheme(
      &reader,
      hashed: [
        TPMSigningScheme.ecdsa.rawValue, TPMAlgorithm.ecdh, TPMAlgorithm.ecdaa, TPMAlgorithm.sm2,
        TPMAlgorithm.ecSchnorr,
      ], bare: [])
    let curve = try reader.uint16("curveID")
    // Not in use for asymmetric keys: TPM_ALG_NULL (part 2 §12.2.3.6, kdf).
    guard try reader.uint16("kdf") == TPMAlgorithm.null else {
      throw MalformedTPM(expected: "no key derivation", found: "one")
    }
    let x = try reader.sized("x", limit: 66)
    let y = try reader.sized("y", limit: 66)
    return (scheme, .ecc(curve: curve, x: Array(x), y: Array(y)))
  }

  private static func readScheme(
    _ reader: inout TPMReader, hashed: [UInt16], bare: [UInt16]
  ) throws(MalformedTPM) -> Scheme? {
    let algorithm = try reader.uint16("scheme")
    if algorithm == TPMAlgorithm.null { return nil }
    if bare.contains(algorithm) { return Scheme(algorithm: algorithm, hash: nil) }
    guard hashed.contains(algorithm) else {
      throw MalformedTPM(expected: "a scheme of the key's type", found: "the algorithm \(algorithm)")
    }
    let hash = try reader.uint16("the scheme's hash")
    if algorithm == TPMAlgorithm.ecdaa { _ = try reader.uint16("the scheme's count") }
    return Scheme(algorithm: algorithm, hash: hash)
  }
}

extension TPMPublic {
  /// The object's name (TPM 2.0 Library part 1 §16): the hash's number and its digest of the public area. nil where the
  /// object has none, or one that nobody here computes.
  public var name: [UInt8]? {
    nameHash.map { [UInt8($0.rawValue >> 8), UInt8($0.rawValue & 0xff)] + $0.hash(bytes) }
  }

  /// TPM_RH_ENDORSEMENT (part 2 §7.4): the name of the endorsement hierarchy.
  private static let endorsementHierarchy: [UInt8] = [0x40, 0, 0, 0x0b]

  /// The key's qualified name (part 1 §26.5) as a primary key of the endorsement hierarchy, or under `parent` there; nil
  /// where one of them has no name.
  func qualifiedName(under parent: TPMPublic? = nil) -> [UInt8]? {
    guard let name, let nameHash else { return nil }
    guard let above = parent.map({ $0.qualifiedName() }) ?? TPMPublic.endorsementHierarchy else { return nil }
    return [UInt8(nameHash.rawValue >> 8), UInt8(nameHash.rawValue & 0xff)] + nameHash.hash(above + name)
  }

  /// Whether an RSA key has the mark of the weak generator of CVE-2017-15361.
  var isROCA: Bool {
    if case .rsa(_, _, let modulus) = key { ROCA.isMarked(modulus: modulus) } else { false }
  }

  /// The one scheme that the key signs by, and its hash; nil where it has none, or none that is a signature's.
  var signingScheme: (scheme: TPMSigningScheme, hash: TPMHash)? {
    guard let scheme, let signing = TPMSigningScheme(rawValue: scheme.algorithm),
      let hash = scheme.hash.flatMap(TPMHash.init)
    else { return nil }
    return (signing, hash)
  }
}
