import COpenSSL
import MusterModel

/// A share for one officer alone: CMS EnvelopedData (RFC 5652 §6) to the key of a certificate, AES-256-CBC under a key that is
/// sent by RSA OAEP (SHA-256) or by ECDH (X9.63, SHA-256). `openssl cms -decrypt` reads it.
public enum OfficerEnvelope {
  private static let limit = 16 * 1024

  /// In DER. Throws `officer` for what is no certificate, or has a key that nothing can be encrypted to.
  public static func seal(_ share: VaultShare, to certificate: [UInt8]) throws(VaultError) -> [UInt8] {
    let text = share.text
    let envelope = [UInt8](unsafeUninitializedCapacity: limit) { envelope, count in
      count = text.withUnsafeBytes { text in
        cms_encrypt_to(
          certificate, certificate.count, text.bindMemory(to: UInt8.self).baseAddress, text.count,
          envelope.baseAddress, limit)
      }
    }
    guard !envelope.isEmpty else { throw .officer }
    return envelope
  }
}
