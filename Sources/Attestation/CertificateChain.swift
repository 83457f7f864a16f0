import Foundation
public import MusterModel
import SwiftASN1
import X509

/// A client certificate and what came with it, read within bounds. Nothing is verified yet.
public struct CertificateChain: Sendable {
  public static let lengthLimit = 5
  /// In bytes, for each certificate.
  public static let sizeLimit = 16 * 1024

  let leaf: Certificate
  let intermediates: [Certificate]
  /// SHA-256 of the leaf's DER.
  public let digest: Digest

  /// Reads DER certificates, leaf first.
  public static func parse(_ chain: [[UInt8]]) -> Result<CertificateChain, AttestationRefusal> {
    Result { () throws(AttestationRefusal) in try CertificateChain(chain) }
  }

  init(_ chain: [[UInt8]]) throws(AttestationRefusal) {
    guard let first = chain.first else { throw .chainEmpty }
    guard chain.count <= CertificateChain.lengthLimit else { throw .chainTooLong(found: chain.count) }
    leaf = try CertificateChain.read(first)
    var others: [Certificate] = []
    for der in chain.dropFirst() { others.append(try CertificateChain.read(der)) }
    intermediates = others
    digest = Digest.sha256(first)
  }

  static func read(_ der: [UInt8]) throws(AttestationRefusal) -> Certificate {
    guard der.count <= sizeLimit else { throw .certificateTooLarge(found: der.count) }
    do {
      let certificate = try Certificate(derEncoded: der)
      guard try hasWholeSignature(der) else { throw AttestationRefusal.certificateUnreadable }
      return certificate
    } catch {
      throw .certificateUnreadable
    }
  }

  /// A signature is whole bytes. X509 passes over unused bits in its BIT STRING, which no signature covers: the same
  /// certificate would have several encodings.
  private static func hasWholeSignature(_ der: [UInt8]) throws -> Bool {
    guard case .constructed(let fields) = try DER.parse(der).content,
      let signature = fields.reduce(nil, { $1 }),
      case .primitive(let content) = signature.content
    else { return false }
    return content.first == 0
  }
}

/// A certificate that the operator trusts to say who is a maker's device: any certificate of a CA, a root or not. It
/// is an anchor because the operator named it; what a caller sends along never is.
public struct TrustAnchor: Sendable, Hashable {
  let certificate: Certificate
  public let der: [UInt8]
  /// SHA-256 of the DER.
  public let digest: Digest
  /// SHA-256 of the SubjectPublicKeyInfo.
  public let key: Digest

  /// Reads a DER certificate. Refused as `certificate-not-ca` where it is an end entity's.
  public static func parse(_ der: [UInt8]) -> Result<TrustAnchor, AttestationRefusal> {
    Result { () throws(AttestationRefusal) in try TrustAnchor(der) }
  }

  /// The most bytes and certificates that are read from one PEM text.
  public static let pemLimit = (bytes: 256 * 1024, certificates: 16)

  /// Reads all certificates of a PEM text (RFC 7468), at least one.
  public static func parse(pem: String) -> Result<[TrustAnchor], AttestationRefusal> {
    Result { () throws(AttestationRefusal) in
      guard pem.utf8.count <= pemLimit.bytes else { throw .certificateTooLarge(found: pem.utf8.count) }
      let documents: [PEMDocument]
      do { documents = try PEMDocument.parseMultiple(pemString: pem) } catch { throw .certificateUnreadable }
      guard !documents.isEmpty, documents.allSatisfy({ $0.discriminator == "CERTIFICATE" }) else {
        throw .certificateUnreadable
      }
      guard documents.count <= pemLimit.certificates else { throw .chainTooLong(found: documents.count) }
      var anchors: [TrustAnchor] = []
      for document in documents { anchors.append(try TrustAnchor(document.derBytes)) }
      return anchors
    }
  }

  private init(_ der: [UInt8]) throws(AttestationRefusal) {
    certificate = try CertificateChain.read(der)
    guard certificate.isIssuer else { throw .notCA }
    do {
      key = Digest.sha256(try certificate.publicKey.serializeAsPEM().derBytes)
    } catch {
      throw .certificateUnreadable
    }
    self.der = der
    digest = Digest.sha256(der)
  }
}

extension Certificate {
  /// cA in basicConstraints, and keyCertSign where there is a keyUsage (RFC 5280 §4.2.1.3, §4.2.1.9).
  var isIssuer: Bool {
    guard version == .v3, case .isCertificateAuthority? = try? extensions.basicConstraints else { return false }
    do {
      return try extensions.keyUsage?.keyCertSign ?? true
    } catch {
      return false
    }
  }
}
