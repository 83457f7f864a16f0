import Crypto
import Foundation
import MusterModel
import SwiftASN1
import X509

@testable import CertificateAuthority

/// The same device certificate by swift-certificates: the oracle of the template.
enum LibraryCertificate {
  static func toBeSigned(
    _ instance: Instance, _ key: P256.Signing.PublicKey, _ identity: CertificateIdentity
  ) throws -> [UInt8] {
    let issuer = try Certificate(derEncoded: instance.devices.certificate)
    let keyID = instance.devices.keyID
    let publish = instance.points.publishURL
    let now = Date(timeIntervalSince1970: Double(instance.now.seconds))
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(bytes: identity.serial.bytes), publicKey: .init(key),
      notValidBefore: now - 3600, notValidAfter: now + 397 * 86_400, issuer: issuer.subject,
      subject: DistinguishedName { CommonName("meter-7") }, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: Certificate.Extensions {
        Critical(BasicConstraints.notCertificateAuthority)
        Critical(KeyUsage(digitalSignature: true))
        try ExtendedKeyUsage([.clientAuth])
        SubjectAlternativeNames([
          .uniformResourceIdentifier("spiffe://plant.example/device/meter-7"),
          .dnsName("\(identity.serialHex).cert.plant.example"),
        ])
        SubjectKeyIdentifier(
          keyIdentifier: ArraySlice(SHA256.hash(data: key.x963Representation).prefix(20)))
        AuthorityKeyIdentifier(
          keyIdentifier: try issuer.extensions.subjectKeyIdentifier?.keyIdentifier)
        try distributionPoint("\(publish)/crl/\(keyID)/\(identity.shard).crl")
        AuthorityInformationAccess([
          .init(method: .ocspServer, location: .uniformResourceIdentifier("\(publish)/ocsp")),
          .init(method: .issuingCA, location: .uniformResourceIdentifier("\(publish)/ca/\(keyID).cer")),
        ])
      }, issuerPrivateKey: .init(P256.Signing.PrivateKey()))
    return Array(certificate.tbsCertificateBytes)
  }

  /// The library has no type for it: written with SwiftASN1's serializer.
  private static func distributionPoint(_ url: String) throws -> Certificate.Extension {
    var coder = DER.Serializer()
    let context0 = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
    try coder.appendConstructedNode(identifier: .sequence) { coder in
      try coder.appendConstructedNode(identifier: .sequence) { coder in
        try coder.appendConstructedNode(identifier: context0) { coder in
          try coder.appendConstructedNode(identifier: context0) { coder in
            try coder.serialize(
              ASN1IA5String(url).withIdentifier(6))
          }
        }
      }
    }
    return Certificate.Extension(oid: [2, 5, 29, 31], critical: false, value: coder.serializedBytes[...])
  }
}

private struct TaggedString: DERSerializable {
  let string: ASN1IA5String
  let number: UInt

  func serialize(into coder: inout DER.Serializer) throws {
    try string.serialize(
      into: &coder, withIdentifier: ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific))
  }
}

extension ASN1IA5String {
  fileprivate func withIdentifier(_ number: UInt) throws -> TaggedString { TaggedString(string: self, number: number) }
}
