import Crypto
import Foundation
import MusterModel
import PKCS11Commands

/// A key that a token behind PKCS #11 holds; in the state folder lies what it is found by.
struct TokenKey: DeviceKey {
  private let token: DeviceToken
  private let id: [UInt8]
  let publicKey: P256.Signing.PublicKey

  /// The key of the state folder; made where there is none. Its ID is on disk before it is made: cut off between the two, the
  /// same key is gone on with.
  static func inFolder(_ folder: StateFolder, _ token: DeviceToken) throws -> TokenKey {
    if let kept = try read(folder, token) { return kept }
    var reference = try TokenKeyReference.read(folder) ?? .random()
    try reference.write(to: folder)
    let id = reference.id
    let point = try token.ask { (token) throws(KeyKeeperFailure) in
      try token.signingKey(id: id, label: "muster device")
    }
    guard let publicKey = try? P256.Signing.PublicKey(x963Representation: point) else {
      throw DeviceFailure("expected a P-256 key of the token \(token.uri.token), found another")
    }
    reference.publicKey = publicKey
    try reference.write(to: folder)
    return TokenKey(token: token, id: id, publicKey: publicKey)
  }

  /// nil where there is none. Asks nothing of the token.
  static func read(_ folder: StateFolder, _ token: DeviceToken) throws -> TokenKey? {
    guard let reference = try TokenKeyReference.read(folder), let publicKey = reference.publicKey else { return nil }
    return TokenKey(token: token, id: reference.id, publicKey: publicKey)
  }

  /// Destroys it in the token.
  static func destroy(_ folder: StateFolder, _ token: DeviceToken) throws {
    guard let reference = try TokenKeyReference.read(folder) else { return }
    try token.ask { (token) throws(KeyKeeperFailure) in try token.destroySigningKey(id: reference.id) }
  }

  var place: String { "in the token \(token.uri.token), which it cannot leave" }

  func sign(_ message: [UInt8]) async throws -> [UInt8] { try await onItsThread { try signature(over: message) } }

  private func signature(over message: [UInt8]) throws -> [UInt8] {
    let digest = Array(SHA256.hash(data: message))
    let raw = try token.ask { (token) throws(KeyKeeperFailure) in try token.sign(digest, withKey: id) }
    return Array(try P256.Signing.ECDSASignature(rawRepresentation: raw).derRepresentation)
  }
}
