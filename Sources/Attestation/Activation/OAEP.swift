import COpenSSL
import MusterModel

/// RSA OAEP with a label (RFC 8017 §7.1.1).
enum OAEP {
  /// In bytes: of an RSA key of 4096 bits.
  private static let ciphertextLimit = 512

  /// Encrypts to an RSA key, given as its SubjectPublicKeyInfo in DER; `hash` is the mask's too. nil for another key, and
  /// for a message that is too long for it.
  static func encrypt(_ message: SecretBytes, to key: [UInt8], _ hash: TPMHash, label: [UInt8]) -> [UInt8]? {
    var ciphertext = [UInt8](repeating: 0, count: ciphertextLimit)
    var size = ciphertext.count
    let done = message.withUnsafeBytes { message in
      rsa_oaep_encrypt(
        key, key.count, hash.digestName, label, label.count, message.bindMemory(to: UInt8.self).baseAddress,
        message.count, &ciphertext, &size)
    }
    return done == 1 ? Array(ciphertext.prefix(size)) : nil
  }
}

extension TPMHash {
  /// As OpenSSL calls it.
  fileprivate var digestName: String {
    switch self {
    case .sha1: "SHA1"
    case .sha256: "SHA256"
    case .sha384: "SHA384"
    case .sha512: "SHA512"
    }
  }
}
