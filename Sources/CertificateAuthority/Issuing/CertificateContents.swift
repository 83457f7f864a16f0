import MusterModel
import SwiftASN1

/// What a certificate's DER says, read strictly (RFC 5280 §4.1) and apart from the code that writes certificates.
struct CertificateContents: Sendable {
  let signed: ArraySlice<UInt8>
  /// Most significant byte first, without leading zeros.
  let serial: [UInt8]
  /// AlgorithmIdentifier; the same inside and outside of what is signed.
  let signatureAlgorithm: [UInt8]
  /// The DER of the issuer's Name.
  let issuer: [UInt8]
  let notBefore: Timestamp
  let notAfter: Timestamp
  /// The DER of the subject's Name.
  let subject: [UInt8]
  let subjectPublicKeyInfo: [UInt8]
  let extensions: [CertificateExtension]
  let signature: [UInt8]

  static let sizeLimit = 16 * 1024

  init(_ der: [UInt8]) throws(MalformedDER) {
    guard der.count <= Self.sizeLimit else {
      throw MalformedDER(expected: "a certificate of at most \(Self.sizeLimit) bytes", found: "\(der.count)")
    }
    var fields = try Fields(of: ASN1Node.parse(der[...], "a certificate"), "a certificate")
    let body = try fields.take("what is signed")
    let outer = try fields.take("the signature algorithm")
    signature = Array(try fields.take("the signature").wholeBits("the signature"))
    try fields.end()
    signed = body.encodedBytes
    signatureAlgorithm = Array(outer.encodedBytes)

    fields = try Fields(of: body, "what is signed of a certificate")
    let version = try fields.take("the version")
    guard version.encodedBytes.elementsEqual([0xa0, 3, 0x02, 1, 2]) else {
      throw MalformedDER(expected: "a certificate of version 3", found: "another")
    }
    serial = Array(try fields.take("the serial number").magnitude("the serial number"))
    guard try fields.take("the signature algorithm").encodedBytes.elementsEqual(signatureAlgorithm) else {
      throw MalformedDER(expected: "one signature algorithm, inside and outside", found: "two")
    }
    issuer = Array(try fields.take("the issuer").encodedBytes)
    (notBefore, notAfter) = try Self.validity(fields.take("the validity"))
    subject = Array(try fields.take("the subject").encodedBytes)
    subjectPublicKeyInfo = Array(try fields.take("the key").encodedBytes)
    extensions = try CertificateExtension.list(
      fields.take("the extensions").inside(.context(3), "the extensions"))
    try fields.end()
  }

  private static func validity(_ node: ASN1Node) throws(MalformedDER) -> (Timestamp, Timestamp) {
    var fields = try Fields(of: node, "the validity")
    let times = (try time(fields.take("notBefore")), try time(fields.take("notAfter")))
    try fields.end()
    return times
  }

  static func time(_ node: ASN1Node) throws(MalformedDER) -> Timestamp {
    let parts: CivilTime?
    if node.identifier == .utcTime {
      parts = (try? UTCTime(derEncoded: node)).map {
        CivilTime(year: $0.year, month: $0.month, day: $0.day, hour: $0.hours, minute: $0.minutes, second: $0.seconds)
      }
    } else {
      parts = (try? GeneralizedTime(derEncoded: node)).map {
        CivilTime(year: $0.year, month: $0.month, day: $0.day, hour: $0.hours, minute: $0.minutes, second: $0.seconds)
      }
    }
    guard let time = parts?.timestamp else {
      throw MalformedDER(expected: "a time", found: "the tag \(node.identifier)")
    }
    return time
  }

  func value(of type: [UInt8]) -> [UInt8]? { extensions.first { $0.type == type }?.value }
}
