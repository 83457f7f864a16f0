import Crypto
import Foundation
import MusterModel
import SwiftASN1
import X509

/// PEM (RFC 7468) as files of an instance hold it.
enum PEM {
  static func certificate(_ der: [UInt8]) -> String { document("CERTIFICATE", der) }

  static func document(_ label: String, _ der: [UInt8]) -> String {
    PEMDocument(type: label, derBytes: der).pemString + "\n"
  }

  /// The DER of the first certificate in a file that may hold keys, too.
  static func firstCertificate(_ file: [UInt8]) throws -> [UInt8] {
    let documents = try PEMDocument.parseMultiple(pemString: String(decoding: file, as: UTF8.self))
    guard let first = documents.first(where: { $0.discriminator == "CERTIFICATE" }) else {
      throw CommandFailure("expected a certificate in PEM, found none")
    }
    return first.derBytes
  }

  /// A key made here, PKCS #8 (RFC 5958).
  static func privateKey(_ key: P256.Signing.PrivateKey) -> String { key.pemRepresentation + "\n" }
}

/// A peer's key and the request for its certificate (RFC 2986), made where the key will be used. The service takes the
/// key from it and names the holder by its record, so that its subject only says whom it was made for.
struct PeerKey {
  let key = P256.Signing.PrivateKey()

  func request(commonName: String) throws -> [UInt8] {
    let request = try CertificateSigningRequest(
      version: .v1, subject: DistinguishedName { CommonName(commonName) }, privateKey: .init(key),
      attributes: .init(), signatureAlgorithm: .ecdsaWithSHA256)
    var serializer = DER.Serializer()
    try request.serialize(into: &serializer)
    return serializer.serializedBytes
  }

  /// The identity file: certificate, issuer, trust anchor, key.
  func identity(chain: [[UInt8]], root: [UInt8]) -> [UInt8] {
    Array(((chain + [root]).map(PEM.certificate).joined() + PEM.privateKey(key)).utf8)
  }
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo.
func publicKeyDigest(_ certificate: [UInt8]) throws -> MusterModel.Digest {
  .sha256(try Certificate(derEncoded: certificate).publicKey.serializeAsPEM().derBytes)
}

func isSelfIssued(_ der: [UInt8]) throws -> Bool {
  let certificate = try Certificate(derEncoded: der)
  return certificate.issuer == certificate.subject
}
