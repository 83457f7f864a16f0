import Crypto
import Foundation
import MusterModel

/// What a token's key is found by, as it lies in the state folder; no secret.
struct TokenKeyReference {
  /// CKA_ID.
  let id: [UInt8]
  /// nil until the token made the key.
  var publicKey: P256.Signing.PublicKey?

  private static let idSize = 16

  static func random() -> TokenKeyReference {
    TokenKeyReference(id: SecretBytes.random(count: idSize).withUnsafeBytes(Array.init))
  }

  private struct Text: Codable {
    /// In hex.
    let id: String
    /// PEM.
    let publicKey: String?
  }

  /// nil where there is none.
  static func read(_ folder: StateFolder) throws(DeviceFailure) -> TokenKeyReference? {
    guard let bytes = try folder.read(.tokenKey) else { return nil }
    guard let text = try? JSONDecoder().decode(Text.self, from: Data(bytes)), let id = Hex.decode(text.id),
      id.count == idSize
    else { throw damaged(folder) }
    guard let pem = text.publicKey else { return TokenKeyReference(id: id) }
    guard let publicKey = try? P256.Signing.PublicKey(pemRepresentation: pem) else { throw damaged(folder) }
    return TokenKeyReference(id: id, publicKey: publicKey)
  }

  private static func damaged(_ folder: StateFolder) -> DeviceFailure {
    DeviceFailure("expected a token's key in \(folder.path(of: .tokenKey)), found something else")
  }

  func write(to folder: StateFolder) throws {
    let text = Text(id: Hex.encode(id), publicKey: publicKey?.pemRepresentation)
    try folder.write(.tokenKey, Array(try JSONEncoder().encode(text)))
  }
}
