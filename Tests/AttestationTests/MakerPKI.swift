import Crypto
import Foundation
import MusterModel
import SwiftASN1
import Testing
import X509

/// A maker's PKI, made anew for each test.
struct MakerPKI {
  static let now = Date(timeIntervalSince1970: 1_760_000_000)
  static let end = now + 365 * 86_400
  static let serialNumberType: ASN1ObjectIdentifier = [2, 5, 4, 5]

  struct CA {
    let key: P256.Signing.PrivateKey
    let certificate: Certificate
    var der: [UInt8] { get throws { try MakerPKI.der(certificate) } }
  }

  let root: CA
  let intermediate: CA

  init() throws {
    root = try MakerPKI.ca("Maker Root", issuer: nil)
    intermediate = try MakerPKI.ca("Maker Devices", issuer: root)
  }

  static func der(_ certificate: Certificate) throws -> [UInt8] {
    var serializer = DER.Serializer()
    try certificate.serialize(into: &serializer)
    return serializer.serializedBytes
  }

  static func ca(
    _ name: String, issuer: CA?, isCA: Bool = true, usage: KeyUsage = KeyUsage(keyCertSign: true),
    version: Certificate.Version = .v3, notAfter: Date = end
  ) throws -> CA {
    let key = P256.Signing.PrivateKey()
    let subject = try DistinguishedName { CommonName(name) }
    let constraints: BasicConstraints = isCA ? .isCertificateAuthority(maxPathLength: nil) : .notCertificateAuthority
    let extensions = try Certificate.Extensions {
      if version == .v3 {
        Critical(constraints)
        Critical(usage)
      }
    }
    let certificate = try Certificate(
      version: version, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: now - 86_400,
      notValidAfter: notAfter, issuer: issuer?.certificate.subject ?? subject, subject: subject,
      signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
      issuerPrivateKey: .init(issuer?.key ?? key))
    return CA(key: key, certificate: certificate)
  }

  struct Leaf {
    var serialNumbers = ["SN-0042"]
    var notBefore = now - 86_400
    var notAfter = end
    var constraints: BasicConstraints? = .notCertificateAuthority
    var usage: KeyUsage? = KeyUsage(digitalSignature: true)
    var purposes: [ExtendedKeyUsage.Usage] = []
    var criticalOID: ASN1ObjectIdentifier?
  }

  func leaf(_ leaf: Leaf = Leaf(), issuer: CA? = nil) throws -> [UInt8] {
    let issuer = issuer ?? intermediate
    let subject = try DistinguishedName(
      leaf.serialNumbers.map { text in
        RelativeDistinguishedName(try .init(type: MakerPKI.serialNumberType, printableString: text))
      } + [RelativeDistinguishedName(.init(type: [2, 5, 4, 10], utf8String: "Maker"))])
    let extensions = try Certificate.Extensions {
      if let constraints = leaf.constraints { Critical(constraints) }
      if let usage = leaf.usage { Critical(usage) }
      if !leaf.purposes.isEmpty { try ExtendedKeyUsage(leaf.purposes) }
      if let oid = leaf.criticalOID { Certificate.Extension(oid: oid, critical: true, value: [5, 0]) }
    }
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: .init(P256.Signing.PrivateKey().publicKey),
      notValidBefore: leaf.notBefore, notValidAfter: leaf.notAfter, issuer: issuer.certificate.subject,
      subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
      issuerPrivateKey: .init(issuer.key))
    return try MakerPKI.der(certificate)
  }
}
