import CertificateAuthority
import Enrollment
import Foundation
import KeyVault
import MusterModel
import PKCS11Keys

/// What keeps keys of the instance outside of its folder, as `service/pkcs11` says. Nothing is asked of it before it is
/// needed.
struct KeyKeepers: Sendable {
  let token: PKCS11Token?

  init(pkcs11: PKCS11URI?) {
    token = pkcs11.map { uri in PKCS11Token(uri) { () throws(KeyKeeperFailure) in try PINFile.read(uri.pinFile) } }
  }

  init(_ folder: InstanceFolder) throws {
    do {
      self.init(pkcs11: try KeyKeepers.line(folder, .pkcs11).map(PKCS11URI.init))
    } catch let malformed as PKCS11URI.Malformed {
      throw CommandFailure("\(folder.path(of: .pkcs11)): \(malformed)")
    }
  }

  private static func line(_ folder: InstanceFolder, _ file: InstanceFolder.File) throws -> String? {
    folder.readIfThere(file).map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
  }

  /// Says in the folder where they are.
  func write(to folder: InstanceFolder) throws {
    if let token { try folder.write(.pkcs11, "\(token.uri)\n".utf8, isSecret: true) }
  }

  /// Throws where the folder names another than `other` already: its slots and keys would be out of reach.
  func agree(with other: KeyKeepers) throws {
    if let token, let named = other.token, token.uri != named.uri {
      throw CommandFailure("expected the token of service/pkcs11, \(token.uri), found \(named.uri)")
    }
  }

  /// A slot was removed: what kept its secret forgets it.
  func forget(_ slot: Slot) throws(VaultError) {
    if slot.kind == .pkcs11, let token { try PKCS11Protector(token).forget(slot) }
  }

  /// nil for a kind that none of them is.
  func protector(_ kind: SlotKind) -> (any KeyProtector)? {
    switch kind {
    case .pkcs11: token.map(PKCS11Protector.init)
    case .tpm, .file, .passphrase, .recoveryCode: nil
    }
  }

  /// The same, where there must be one.
  func protector(named kind: SlotKind) throws -> any KeyProtector {
    guard let protector = protector(kind) else { throw KeyKeepers.missing(kind.rawValue) }
    return protector
  }

  private static func missing(_ kind: String) -> CommandFailure {
    CommandFailure("expected --\(kind) to say where it is, found none", status: 2)
  }

  /// Makes a CA's key; blocks.
  func issuingKey(_ place: CAKeys) throws -> IssuingKey {
    switch place {
    case .sealed: return try .software()
    case .pkcs11:
      guard let token else { throw KeyKeepers.missing(place.rawValue) }
      return try token.makeSigningKey()
    }
  }

  func has(_ place: CAKeys) -> Bool { place == .pkcs11 && token != nil }

  /// A key that was made to be tried.
  func forget(_ key: IssuingKey, in place: CAKeys) {
    if place == .pkcs11, let token { try? token.forgetSigningKey(key.secret) }
  }

  /// Over a CA's key that one of them keeps.
  func signer(_ purpose: String, _ reference: SecretBytes, _ publicKey: SubjectPublicKey) throws -> any Signer {
    if purpose == VaultSecret.pkcs11SigningKey, let token { return token.signer(reference, of: publicKey) }
    throw CommandFailure("expected service/pkcs11 to name the token that has the CAs' keys, found none")
  }

  /// What keeps one of them from being of use, and whether a CA's key is there.
  var failures: [(failure: KeyKeeperFailure, isInUse: Bool)] {
    [token.flatMap { token in token.failure.map { ($0, token.isInUse) } }].compactMap(\.self)
  }

  /// Looks after those that keep CAs' keys; blocks.
  func probe() { if let token, token.isInUse { token.probe() } }
}
