import MusterModel
import SwiftASN1

/// A question about certificates (RFC 6960 §4.1), read strictly and in bounds. A signature on it is not asked for and
/// not looked at.
public struct OCSPRequest: Sendable, Hashable {
  public static let sizeLimit = 4096
  public static let certificateLimit = 8

  public let certificates: [OCSPCertificateID]
  /// 1 to 128 bytes (RFC 9654 §2.1).
  public let nonce: [UInt8]?

  /// nil for what is no question that Muster answers: the answer is then `OCSPResponse.malformedRequest`.
  public static func parse(_ der: [UInt8]) -> OCSPRequest? {
    guard der.count <= sizeLimit else { return nil }
    return try? OCSPRequest(ASN1Node.parse(der[...], "an OCSP request"))
  }

  private init(_ node: ASN1Node) throws {
    var outer = try Fields(of: node, "an OCSP request")
    var fields = try Fields(of: outer.take("what is asked"), "what is asked")
    _ = outer.take(if: .context(0))
    try outer.end()
    // version DEFAULT v1, which DER leaves out; requestorName, which says nothing to us.
    _ = fields.take(if: .context(1))
    let list = try fields.take("the list").members(limit: Self.certificateLimit, "the list")
    let extensions = fields.take(if: .context(2))
    try fields.end()
    certificates = try list.map { try OCSPCertificateID(request: $0) }
    nonce = try extensions.map { try Self.nonce($0.inside(.context(2), "the extensions")) } ?? nil
    guard !certificates.isEmpty else { throw MalformedDER(expected: "a certificate to ask about", found: "none") }
  }

  /// A critical extension that is not understood makes the request unanswerable.
  private static func nonce(_ node: ASN1Node) throws -> [UInt8]? {
    var nonce: [UInt8]?
    for one in try CertificateExtension.list(node) {
      guard one.type == OID.ocspNonce else {
        if one.isCritical { throw MalformedDER(expected: "no critical extension", found: dotted(one.type)) }
        continue
      }
      let bytes = try ASN1Node.parse(one.value[...], "a nonce").primitive(.octetString, "a nonce")
      guard (1...128).contains(bytes.count) else {
        throw MalformedDER(expected: "a nonce of 1 to 128 bytes", found: "\(bytes.count)")
      }
      nonce = Array(bytes)
    }
    return nonce
  }
}

/// Which certificate is asked about: its issuer by two hashes, and its serial number (RFC 6960 §4.1.1).
public struct OCSPCertificateID: Sendable, Hashable {
  public enum HashAlgorithm: Sendable, Hashable, CaseIterable {
    /// It names, it protects nothing: OpenSSL asks by it unless told otherwise.
    case sha1
    case sha256

    var objectIdentifier: [UInt8] { self == .sha1 ? OID.sha1 : OID.sha256 }

  }

  /// CertID as it was asked, to be answered unchanged.
  let der: [UInt8]
  public let hashAlgorithm: HashAlgorithm
  let issuerNameHash: [UInt8]
  let issuerKeyHash: [UInt8]
  /// The magnitude, most significant byte first, without leading zeros.
  public let serial: [UInt8]

  /// Reads a Request.
  init(request node: ASN1Node) throws(MalformedDER) {
    var request = try Fields(of: node, "a question")
    let id = try request.take("the certificate")
    if let extensions = request.take(if: .context(0)) {
      let list = try CertificateExtension.list(extensions.inside(.context(0), "the extensions"))
      if let one = list.first(where: \.isCritical) {
        throw MalformedDER(expected: "no critical extension", found: dotted(one.type))
      }
    }
    try request.end()
    der = Array(id.encodedBytes)
    var fields = try Fields(of: id, "a certificate's ID")
    hashAlgorithm = try Self.algorithm(fields.take("the hash algorithm"))
    issuerNameHash = Array(try fields.take("the issuer's name").primitive(.octetString, "the issuer's name"))
    issuerKeyHash = Array(try fields.take("the issuer's key").primitive(.octetString, "the issuer's key"))
    serial = Array(try fields.take("the serial number").magnitude("the serial number"))
    try fields.end()
    guard serial.count <= 20 else { throw MalformedDER(expected: "a serial of at most 20 bytes", found: "more") }
  }

  /// How a client would ask about one of `issuer`'s certificates: for answers that are made ahead.
  public init(issuer: Issuer, serial: [UInt8], hashAlgorithm: HashAlgorithm) {
    self.hashAlgorithm = hashAlgorithm
    self.serial = Array(serial.drop { $0 == 0 })
    issuerNameHash = hashAlgorithm.hash(issuer.name.der)
    issuerKeyHash = hashAlgorithm.hash(issuer.publicKey.bits)
    der = TLV.sequence(
      TLV.sequence(hashAlgorithm.objectIdentifier, TLV.null), TLV.octetString(issuerNameHash),
      TLV.octetString(issuerKeyHash), TLV.integer(serial))
  }

  private static func algorithm(_ node: ASN1Node) throws(MalformedDER) -> HashAlgorithm {
    var fields = try Fields(of: node, "a hash algorithm")
    let identifier = Array(try fields.take("its identifier").objectIdentifier("a hash algorithm"))
    _ = fields.take(if: .null)
    try fields.end()
    guard let algorithm = HashAlgorithm.allCases.first(where: { $0.objectIdentifier == identifier }) else {
      throw MalformedDER(expected: "SHA-1 or SHA-256", found: dotted(identifier))
    }
    return algorithm
  }

  /// The serial as events and tables have it: 16 bytes in hex. Another length is none of Muster's.
  public var serialHex: String { Hex.encode([UInt8](repeating: 0, count: max(0, 16 - serial.count)) + serial) }
}
