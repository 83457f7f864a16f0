import Foundation
import MusterModel
import MusterTesting
import Testing

/// `Tests/Vectors/vault.json`: made by another hand, `vault.py`, from the formats alone.
struct VaultVector: Decodable {
  let fileKey, fileSlot, passphrase, passphraseSlot, recoveryCode, recoverySlot: String
  let kek, owner, purpose, sealed, offlineRoot, ticketCode, ticketMAC: String
  let keptSecret, tpmSlot, tokenSlot, sharesSlot: String
  let shares: [String]
  let version: UInt32

  static func load() throws -> VaultVector {
    try JSONDecoder().decode(VaultVector.self, from: try Data(contentsOf: tests.appending(path: "Vectors/vault.json")))
  }
}

let tests = Project.root.appending(path: "Tests")

func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

func secret(_ text: String) -> SecretBytes { SecretBytes(copying: Array(text.utf8)) }

func reveal(_ secret: SecretBytes) -> [UInt8] { secret.withUnsafeBytes(Array.init) }

func text(_ secret: SecretBytes) -> String { String(decoding: reveal(secret), as: UTF8.self) }
