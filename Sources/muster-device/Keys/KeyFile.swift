import Crypto
import Foundation
import NIOSSL

/// A key in a file, PKCS #8 in PEM, mode 0600.
struct KeyFile: DeviceKey {
  private let key: P256.Signing.PrivateKey
  let path: String

  /// The key at `path`; made, and on disk, where there is none.
  static func at(_ path: String) throws -> KeyFile {
    if let kept = try read(path) { return kept }
    let key = P256.Signing.PrivateKey()
    try StateFolder.write(path, Array((key.pemRepresentation + "\n").utf8))
    return KeyFile(key: key, path: path)
  }

  /// nil where there is none.
  static func read(_ path: String) throws(DeviceFailure) -> KeyFile? {
    guard let bytes = try StateFolder.readPrivate(path) else { return nil }
    guard let key = try? P256.Signing.PrivateKey(pemRepresentation: String(decoding: bytes, as: UTF8.self)) else {
      throw DeviceFailure("expected a P-256 key in PEM at \(path), found something else: no key is written over")
    }
    return KeyFile(key: key, path: path)
  }

  var publicKey: P256.Signing.PublicKey { key.publicKey }
  var place: String { "in the file \(path)" }
  func sign(_ message: [UInt8]) throws -> [UInt8] { Array(try key.signature(for: message).derRepresentation) }

  func tlsKey() throws -> NIOSSLPrivateKeySource {
    .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
  }
}
