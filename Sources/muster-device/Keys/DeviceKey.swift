import Crypto
import NIOSSL

/// The device's key, wherever it is: P-256.
protocol DeviceKey: Sendable {
  var publicKey: P256.Signing.PublicKey { get }
  /// Where it is, for people.
  var place: String { get }
  /// ECDSA with SHA-256 over the message: ECDSA-Sig-Value in DER.
  func sign(_ message: [UInt8]) async throws -> [UInt8]
  /// For TLS client authentication.
  func tlsKey() throws -> NIOSSLPrivateKeySource
}

extension DeviceKey {
  /// The request for its certificate (RFC 2986). The service takes the key from it and nothing else; to renew, RFC 7030
  /// §4.2.2 has the name be the one that the certificate has.
  func request(commonName: String) async throws -> [UInt8] {
    let info = DERText.sequence(
      [0x02, 0x01, 0x00] + DERText.name(commonName) + Array(publicKey.derRepresentation) + [0xa0, 0x00])
    let signature = try await sign(info)
    return DERText.sequence(info + DERText.ecdsaWithSHA256 + DERText.element(0x03, [0] + signature))
  }
}

/// The few elements that a request is made of.
enum DERText {
  static let ecdsaWithSHA256: [UInt8] = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]

  static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    let count = content.count
    let length: [UInt8] =
      count < 0x80
      ? [UInt8(count)] : count < 0x100 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xff)]
    return [tag] + length + content
  }

  static func sequence(_ content: [UInt8]) -> [UInt8] { element(0x30, content) }

  /// A Name of one common name.
  static func name(_ text: String) -> [UInt8] {
    sequence(element(0x31, sequence([0x06, 0x03, 0x55, 0x04, 0x03] + element(0x0c, Array(text.utf8)))))
  }
}
