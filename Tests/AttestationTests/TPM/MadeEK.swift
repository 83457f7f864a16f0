import Crypto
import CryptoExtras
import Foundation
import SwiftASN1
import X509

/// A made-up TPM maker's PKI with faults of choice.
enum MadeEK {
  static let now = Date(timeIntervalSince1970: 1_795_500_000)
  static let ekPurpose: ASN1ObjectIdentifier = [2, 23, 133, 8, 1]

  struct CA {
    let name: DistinguishedName
    let key: P256.Signing.PrivateKey
    let der: [UInt8]
  }

  /// Self-issued where there is no issuer.
  static func ca(
    _ name: String, by issuer: CA? = nil, key: P256.Signing.PrivateKey = .init(), pathLength: Int? = nil,
    isCA: Bool = true, usage: KeyUsage = KeyUsage(keyCertSign: true)
  ) throws -> CA {
    let subject = try DistinguishedName { CommonName(name) }
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: now - 86_400,
      notValidAfter: now + 86_400, issuer: issuer?.name ?? subject, subject: subject,
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: Certificate.Extensions {
        Critical(isCA ? BasicConstraints.isCertificateAuthority(maxPathLength: pathLength) : .notCertificateAuthority)
        Critical(usage)
      }, issuerPrivateKey: .init(issuer?.key ?? key))
    return CA(name: subject, key: key, der: try MakerPKI.der(certificate))
  }

  struct Leaf {
    var purposes: [ExtendedKeyUsage.Usage]? = [.init(oid: ekPurpose)]
    var usage: KeyUsage? = KeyUsage(keyAgreement: true)
    var constraints = BasicConstraints.notCertificateAuthority
    var manufacturer: String? = "id:4D555354"
    var notBefore = now - 86_400
    var notAfter = now + 86_400
    var unknownCritical = false
  }

  static func leaf(_ leaf: Leaf = Leaf(), by issuer: CA, key: P256.Signing.PrivateKey = .init()) throws -> [UInt8] {
    let make = leaf.manufacturer.map { text in
      DistinguishedName([RelativeDistinguishedName(.init(type: [2, 23, 133, 2, 1], utf8String: text))])
    }
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: leaf.notBefore,
      notValidAfter: leaf.notAfter, issuer: issuer.name, subject: DistinguishedName(),
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: Certificate.Extensions {
        Critical(leaf.constraints)
        if let usage = leaf.usage { Critical(usage) }
        if let purposes = leaf.purposes { try ExtendedKeyUsage(purposes) }
        if let make { Critical(SubjectAlternativeNames([.directoryName(make)])) }
        if leaf.unknownCritical { Certificate.Extension(oid: [1, 3, 6, 1, 4, 1, 1], critical: true, value: [5, 0]) }
      }, issuerPrivateKey: .init(issuer.key))
    return try MakerPKI.der(certificate)
  }
}
