import CertificateAuthority
import Enrollment
import Foundation
import KeyVault
import MusterModel
import PKCS11Commands
import PKCS11Keys
import TPMCommands
import TPMKeys

/// What keeps keys of the instance outside of its folder, as `service/pkcs11` and `service/tpm` say. Nothing is asked of it
/// before it is needed.
struct KeyKeepers: Sendable {
  let token: PKCS11Token?
  let tpm: TPMKeeper?
  private let setting: TPMSetting?
  /// Of the TPM's slots that are made; one that is opened says its own.
  private let policy: TPMSealPolicy?

  static let none = KeyKeepers(pkcs11: nil, tpm: nil)

  init(pkcs11: PKCS11URI?, tpm setting: TPMSetting?, policy: TPMSealPolicy? = nil) {
    token = pkcs11.map { uri in PKCS11Token(uri) { () throws(KeyKeeperFailure) in try PINFile.read(uri.pinFile) } }
    tpm = setting?.keeper()
    self.setting = setting
    self.policy = policy
  }

  init(_ folder: InstanceFolder) throws {
    do {
      let uri = try KeyKeepers.text(folder, .pkcs11).map(PKCS11URI.init)
      let setting = try KeyKeepers.text(folder, .tpm).map { text in
        guard let setting = TPMSetting(text) else {
          throw CommandFailure("expected a TPM and its PIN's file in \(folder.path(of: .tpm)), found something else")
        }
        return setting
      }
      self.init(pkcs11: uri, tpm: setting)
    } catch let malformed as PKCS11URI.Malformed {
      throw CommandFailure("\(folder.path(of: .pkcs11)): \(malformed)")
    }
  }

  private static func text(_ folder: InstanceFolder, _ file: InstanceFolder.File) throws -> String? {
    folder.readIfThere(file).map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
  }

  /// Says in the folder where they are.
  func write(to folder: InstanceFolder) throws {
    if let token { try folder.write(.pkcs11, "\(token.uri)\n".utf8, isSecret: true) }
    if let setting { try folder.write(.tpm, setting.text.utf8, isSecret: true) }
  }

  /// What of them the instance's slots and CAs need: another in its place, and they would be out of reach.
  struct Needed: OptionSet {
    let rawValue: Int
    static let token = Needed(rawValue: 1)
    static let tpm = Needed(rawValue: 2)
    /// The file of its PIN too.
    static let tpmSlot = Needed(rawValue: 4)
  }

  /// These as the folder is to name them, which names `kept`. Throws where that is another token, another TPM, or another
  /// PIN's file than one that is needed.
  func beside(_ kept: KeyKeepers, needed: Needed) throws -> KeyKeepers {
    if needed.contains(.token), let token, let named = kept.token, token.uri != named.uri {
      throw CommandFailure(
        "expected the token of service/pkcs11, \(named.uri), which has a slot's or a CA's key, found \(token.uri)")
    }
    guard let setting, let named = kept.setting else { return self }
    guard setting.place == named.place || !needed.contains(.tpm) else {
      throw CommandFailure(
        "expected the TPM of service/tpm, \(named.place), which has a slot's or a CA's key, found \(setting.place)")
    }
    guard needed.contains(.tpmSlot), let pinFile = named.pinFile else { return self }
    guard setting.pinFile ?? pinFile == pinFile else {
      throw CommandFailure(
        "expected the PIN's file of service/tpm, \(pinFile), found another: remove the TPM's slot first")
    }
    return KeyKeepers(
      pkcs11: token?.uri, tpm: TPMSetting(place: setting.place.description, pinFile: pinFile), policy: policy)
  }
}

// MARK: - The vault's slots

extension KeyKeepers {
  /// nil for a kind that none of them is.
  func protector(_ kind: SlotKind) -> (any KeyProtector)? {
    switch kind {
    case .pkcs11: token.map(PKCS11Protector.init)
    case .tpm: tpm.map { TPMProtector($0, policy: policy) }
    case .file, .passphrase, .recoveryCode, .shares: nil
    }
  }

  /// The same, where there must be one.
  func protector(named kind: SlotKind) throws -> any KeyProtector {
    guard let protector = protector(kind) else { throw KeyKeepers.missing(kind.rawValue) }
    return protector
  }

  /// A slot was removed: what kept its secret forgets it. A TPM keeps none.
  func forget(_ slot: Slot) throws(VaultError) {
    if slot.kind == .pkcs11, let token { try PKCS11Protector(token).forget(slot) }
  }

  private static func missing(_ kind: String) -> CommandFailure {
    CommandFailure("expected --\(kind) to say where it is, found none", status: 2)
  }
}

// MARK: - The CAs' keys

extension KeyKeepers {
  /// Makes a CA's key; blocks.
  func issuingKey(_ place: CAKeys) throws -> IssuingKey {
    switch place {
    case .sealed: return try .software()
    case .pkcs11:
      guard let token else { throw KeyKeepers.missing(place.rawValue) }
      return try token.makeSigningKey()
    case .tpm:
      guard let tpm else { throw KeyKeepers.missing(place.rawValue) }
      return try tpm.makeSigningKey()
    }
  }

  func has(_ place: CAKeys) -> Bool {
    switch place {
    case .sealed: true
    case .pkcs11: token != nil
    case .tpm: tpm != nil
    }
  }

  /// A key that was made to be tried. A TPM keeps none.
  func forget(_ key: IssuingKey, in place: CAKeys) {
    if place == .pkcs11, let token { try? token.forgetSigningKey(key.secret) }
  }

  /// Over a CA's key that one of them keeps.
  func signer(_ purpose: String, _ reference: SecretBytes, _ publicKey: SubjectPublicKey) throws -> any Signer {
    if purpose == VaultSecret.pkcs11SigningKey, let token { return token.signer(reference, of: publicKey) }
    if purpose == VaultSecret.tpmSigningKey, let tpm { return try tpm.signer(reference, of: publicKey) }
    throw CommandFailure("expected service/pkcs11 or service/tpm to name what has the CAs' keys, found none")
  }

  /// What keeps one of them from being of use, and whether a CA's key is there.
  var failures: [(failure: KeyKeeperFailure, isInUse: Bool)] {
    [
      token.flatMap { token in token.failure.map { ($0, token.isInUse) } },
      tpm.flatMap { tpm in tpm.failure.map { ($0, tpm.isInUse) } },
    ]
    .compactMap(\.self)
  }

  /// Looks after those that keep CAs' keys; blocks. A TPM, which nobody pulls out, is asked only where it failed.
  func probe() {
    if let token, token.isInUse { token.probe() }
    if let tpm, tpm.isInUse, tpm.failure != nil { tpm.probe() }
  }
}
