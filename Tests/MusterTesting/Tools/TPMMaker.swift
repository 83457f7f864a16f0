import Crypto
import Foundation
package import MusterModel
import SwiftASN1
import X509

/// A made-up maker of TPMs: its root, and the certificates that it gives endorsement keys (TCG EK Credential Profile §3).
package struct TPMMaker: Sendable {
  /// DER, self-issued.
  package let root: [UInt8]
  private let name: DistinguishedName
  private let key = P256.Signing.PrivateKey()

  package init(_ name: String = "Made-up TPM Root", from start: Timestamp, days: Int = 3650) throws {
    self.name = try DistinguishedName { CommonName(name) }
    root = try TPMMaker.sign(
      .init(key.publicKey), subject: self.name, issuer: self.name, by: key, from: start, days: days,
      Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
        Critical(KeyUsage(keyCertSign: true, cRLSign: true))
      })
  }

  /// An issuing CA under another maker's root: its `root` is the CA's certificate, which is none.
  package init(under maker: TPMMaker, from start: Timestamp, days: Int = 3650) throws {
    name = try DistinguishedName { CommonName("Made-up TPM Issuing CA") }
    root = try TPMMaker.sign(
      .init(key.publicKey), subject: name, issuer: maker.name, by: maker.key, from: start, days: days,
      Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
        Critical(KeyUsage(keyCertSign: true, cRLSign: true))
      })
  }

  package var pem: String { PEMDocument(type: "CERTIFICATE", derBytes: root).pemString + "\n" }

  /// A certificate of an endorsement key, by its SubjectPublicKeyInfo. `manufacturer` is a vendor ID, as `id:49465800`.
  package func certify(
    _ endorsementKey: [UInt8], from start: Timestamp, days: Int = 365, manufacturer: String = "id:4D555354"
  ) throws -> [UInt8] {
    let make = DistinguishedName([
      RelativeDistinguishedName(.init(type: [2, 23, 133, 2, 1], utf8String: manufacturer)),
      RelativeDistinguishedName(.init(type: [2, 23, 133, 2, 2], utf8String: "MADE-UP")),
      RelativeDistinguishedName(.init(type: [2, 23, 133, 2, 3], utf8String: "id:00010002")),
    ])
    return try TPMMaker.sign(
      try Certificate.PublicKey(derEncoded: try DER.parse(endorsementKey), withIdentifier: .sequence),
      subject: DistinguishedName(), issuer: name, by: key, from: start, days: days,
      Certificate.Extensions {
        Critical(BasicConstraints.notCertificateAuthority)
        Critical(KeyUsage(keyEncipherment: true, keyAgreement: true))
        try ExtendedKeyUsage([.init(oid: [2, 23, 133, 8, 1])])
        Critical(SubjectAlternativeNames([.directoryName(make)]))
      })
  }

  private static func sign(
    _ subjectKey: Certificate.PublicKey, subject: DistinguishedName, issuer: DistinguishedName,
    by key: P256.Signing.PrivateKey, from start: Timestamp, days: Int, _ extensions: Certificate.Extensions
  ) throws -> [UInt8] {
    let notBefore = Date(timeIntervalSince1970: Double(start.milliseconds / 1000))
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: subjectKey, notValidBefore: notBefore,
      notValidAfter: notBefore + Double(days) * 86_400, issuer: issuer, subject: subject,
      signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions, issuerPrivateKey: .init(key))
    var serializer = DER.Serializer()
    try certificate.serialize(into: &serializer)
    return serializer.serializedBytes
  }
}
