import Foundation
public import MusterModel

public import enum Crypto.Curve25519

/// Signs a ledger's checkpoints with the ledger's own Ed25519 key, under the origin as the key's name.
public struct CheckpointSigner: Sendable {
  public let origin: LedgerOrigin
  private let key: Curve25519.Signing.PrivateKey
  private let noteKey: NoteKey

  public init(origin: LedgerOrigin, key: Curve25519.Signing.PrivateKey) {
    self.origin = origin
    self.key = key
    noteKey = NoteKey(name: origin.description, publicKey: key.publicKey)
  }

  public var verifier: CheckpointVerifier { CheckpointVerifier(origin: origin, publicKey: key.publicKey) }

  /// The signed note of a tree's head.
  public func sign(size: UInt64, root: Digest) throws -> VerifiedCheckpoint {
    let checkpoint = Checkpoint(origin: origin, size: size, root: root)
    let text = checkpoint.text
    let signature = try key.signature(for: Data(text.utf8))
    let line = SignedNote.line(name: noteKey.name, keyID: noteKey.keyID, signature: signature)
    return VerifiedCheckpoint(checkpoint, note: text + "\n" + line)
  }

  public func sign(_ tree: MerkleTree) throws -> VerifiedCheckpoint { try sign(size: tree.size, root: tree.root) }
}

/// Checks a ledger's checkpoints with its public key.
public struct CheckpointVerifier: Sendable {
  public let origin: LedgerOrigin
  private let noteKey: NoteKey

  public init(origin: LedgerOrigin, publicKey: Curve25519.Signing.PublicKey) {
    self.origin = origin
    noteKey = NoteKey(name: origin.description, publicKey: publicKey)
  }

  /// Reads a verifier key, `name+hash+base64` (C2SP signed-note); throws `LedgerError.malformed`.
  public init(key text: some StringProtocol) throws(LedgerError) {
    let noteKey = try NoteKey(text)
    guard let origin = LedgerOrigin(noteKey.name) else {
      throw .malformed(what: "a verifier key's name", expected: "a ledger's origin", found: excerpt(noteKey.name))
    }
    self.origin = origin
    self.noteKey = noteKey
  }

  /// The verifier key, `name+hash+base64`: what someone needs who checks this ledger.
  public var key: String { noteKey.text }

  /// The signature is checked before the text is read, and the text's origin must be the key's name.
  public func verify(_ note: some StringProtocol) -> Result<VerifiedCheckpoint, CheckpointRefusal> {
    do {
      let signed = try SignedNote(note)
      switch noteKey.verify(signed) {
      case nil: return .failure(.notSigned(by: noteKey.name))
      case false?: return .failure(.forged(by: noteKey.name))
      case true?: break
      }
      let checkpoint = try Checkpoint(text: signed.text)
      guard checkpoint.origin == origin else {
        return .failure(.otherOrigin(expected: "\(origin)", found: "\(checkpoint.origin)"))
      }
      return .success(VerifiedCheckpoint(checkpoint, note: String(note)))
    } catch {
      return .failure(.malformed("\(error)"))
    }
  }
}
