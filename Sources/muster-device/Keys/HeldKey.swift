import NIOCore
import NIOSSL

extension DeviceKey {
  func tlsKey() throws -> NIOSSLPrivateKeySource { .privateKey(NIOSSLPrivateKey(customPrivateKey: HeldKey(key: self))) }
}

/// Signs handshakes with a key that is elsewhere: in a TPM, in a token.
private struct HeldKey: NIOSSLCustomPrivateKey, Hashable {
  let key: any DeviceKey

  var signatureAlgorithms: [SignatureAlgorithm] { [.ecdsaSecp256R1Sha256] }

  func sign(channel: any Channel, algorithm: SignatureAlgorithm, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
    let promise = channel.eventLoop.makePromise(of: ByteBuffer.self)
    promise.completeWithTask { ByteBuffer(bytes: try await key.sign(Array(data.readableBytesView))) }
    return promise.futureResult
  }

  /// For RSA key exchange, which this key has no part in.
  func decrypt(channel: any Channel, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
    channel.eventLoop.makeFailedFuture(DeviceFailure("expected to sign with the device's key, found a decryption"))
  }

  static func == (left: HeldKey, right: HeldKey) -> Bool {
    left.key.publicKey.rawRepresentation == right.key.publicKey.rawRepresentation
  }

  func hash(into hasher: inout Hasher) { hasher.combine(key.publicKey.rawRepresentation) }
}
