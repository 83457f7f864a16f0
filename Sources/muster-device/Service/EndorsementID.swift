import Crypto
import Foundation

/// The hardware ID of a TPM: `tpm-ek:` and the SHA-256 of its endorsement key's SubjectPublicKeyInfo.
enum EndorsementID {
  /// nil for what is no RSA 2048 or P-256 key (TPM2B_PUBLIC).
  static func text(of publicArea: [UInt8]) -> String? {
    guard let info = publicKeyInfo(publicArea) else { return nil }
    return "tpm-ek:" + SHA256.hash(data: info).map { String(format: "%02x", $0) }.joined()
  }

  private static func publicKeyInfo(_ area: [UInt8]) -> [UInt8]? {
    guard area.count > 4 else { return nil }
    switch (area[2], area[3]) {
    case (0x00, 0x01):
      let modulus = Array(area.suffix(256))
      guard modulus.count == 256 else { return nil }
      return rsa(modulus)
    case (0x00, 0x23):
      let point = Array(area.suffix(68))
      guard point.count == 68 else { return nil }
      return (try? P256.Signing.PublicKey(rawRepresentation: point[2..<34] + point[36..<68])).map {
        Array($0.derRepresentation)
      }
    default: return nil
    }
  }

  /// RFC 3279 §2.3.1, with the exponent 65537.
  private static func rsa(_ modulus: [UInt8]) -> [UInt8] {
    let algorithm: [UInt8] = [
      0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ]
    let key = DERText.sequence(DERText.element(0x02, [0] + modulus) + [0x02, 0x03, 0x01, 0x00, 0x01])
    return DERText.sequence(algorithm + DERText.element(0x03, [0] + key))
  }
}
