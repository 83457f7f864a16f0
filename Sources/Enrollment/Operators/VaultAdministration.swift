public import CertificateAuthority
public import KeyVault
import Ledger
public import MusterModel

/// Sealing and unsealing: with the vault go the issuing CAs and their OCSP responders.
public struct VaultAdministration: Sendable {
  let instance: Instance
  let reader: any InstanceReader
  let points: PublicationPoints

  public init(_ instance: Instance, reader: any InstanceReader, points: PublicationPoints) {
    self.instance = instance
    self.reader = reader
    self.points = points
  }

  /// What opens a slot: text that a person typed.
  public enum Opener: Sendable {
    case passphrase(SecretBytes)
    case recoveryCode(SecretBytes)
    /// The file slot's key, read by whoever has the folder.
    case fileKey(SecretBytes)

    var kind: SlotKind {
      switch self {
      case .passphrase: .passphrase
      case .recoveryCode: .recoveryCode
      case .fileKey: .file
      }
    }
  }

  /// Opens the first slot that this opens, loads the keys below it, and records it. A wrong one changes nothing.
  public func unseal(_ opener: Opener, by caller: Caller) async throws -> Outcome<VaultStatus> {
    switch try await Administration(instance).grant(.vaultUnseal, to: caller) {
    case .refused(let refusal): return .refused(refusal)
    case .done: break
    }
    guard let actor = caller.principal.actor else { return .refused(.nobody) }
    guard instance.vault.isSealed else { return .done(try await status()) }
    guard try await open(opener) else {
      return .refused(try await record(.wrongOpener, actor, caller))
    }
    // What cannot be recorded does not happen: the vault stays open only once it is on disk that it was opened.
    do {
      try await load()
      let event = try Event(
        at: instance.clock.now(), by: actor, on: [.vault], VaultUnsealed(protector: opener.kind))
      let unit = UnitOfWork(reads: caller.reads, events: [event])
      guard case .committed = try await instance.store.commit(unit) else {
        shut()
        return .refused(.identityChanged)
      }
    } catch {
      shut()
      throw error
    }
    return .done(try await status())
  }

  /// A wrong passphrase is a guess by someone who is known.
  private func record(_ refusal: Refusal, _ actor: Actor, _ caller: Caller) async throws -> Refusal {
    let event = try Event(
      at: instance.clock.now(), by: actor, on: [.vault],
      RequestRefused(operation: "vault.unseal", code: refusal.code),
      details: .init(reason: refusal.reason, source: caller.source))
    return try await instance.record(refusal, event)
  }

  /// Lets go of every key. What needs no secret goes on.
  public func seal(by caller: Caller) async throws -> Outcome<VaultStatus> {
    switch try await Administration(instance).grant(.vaultSeal, to: caller) {
    case .refused(let refusal): return .refused(refusal)
    case .done: break
    }
    guard let actor = caller.principal.actor else { return .refused(.nobody) }
    guard !instance.vault.isSealed else { return .done(try await status()) }
    let event = try Event(at: instance.clock.now(), by: actor, on: [.vault], VaultSealed())
    shut()
    _ = try await instance.store.commit(UnitOfWork(events: [event]))
    return .done(try await status())
  }

  public func status(by caller: Caller) async throws -> Outcome<VaultStatus> {
    switch try await Administration(instance).grant(.vaultStatus, to: caller) {
    case .refused(let refusal): return .refused(refusal)
    case .done: return .done(try await status())
    }
  }

  private func status() async throws -> VaultStatus {
    VaultStatus(
      isSealed: instance.vault.isSealed,
      slots: try await slots().map { .init(slot: $0.number, protector: $0.kind, note: $0.kind.note) },
      keks: try await keks().map(\.number))
  }

  private func shut() {
    instance.authorities.seal()
    instance.vault.seal()
  }

  private func slots() async throws -> [Slot] {
    try await reader.secrets(purpose: VaultSecret.slot).map { try Slot($0.bytes) }
  }

  private func keks() async throws -> [WrappedKEK] {
    try await reader.secrets(purpose: VaultSecret.kek).map { try WrappedKEK($0.bytes) }
  }

  /// false where no slot of its kind opens.
  private func open(_ opener: Opener) async throws -> Bool {
    let keks = try await keks()
    for slot in try await slots() where slot.kind == opener.kind {
      do {
        switch opener {
        case .passphrase(let text): try instance.vault.unseal(slot, with: PassphraseProtector(text), keks: keks)
        case .fileKey(let key): try instance.vault.unseal(slot, with: FileProtector(key: key), keks: keks)
        case .recoveryCode(let text):
          guard case .success(let code) = RecoveryCode.parse(text) else { return false }
          try instance.vault.unseal(slot, with: RecoveryCodeProtector(code), keks: keks)
        }
        return true
      } catch {
        continue
      }
    }
    return false
  }
}

/// The purposes under which the vault's own records are kept.
public enum VaultSecret {
  public static let slot = "vault-slot"
  public static let kek = "vault-kek"
  public static let signingKey = "signing-key"
  public static let responderKey = "ocsp-responder-key"
}

public struct VaultStatus: Codable, Sendable, Hashable {
  public struct Slot: Codable, Sendable, Hashable {
    public let slot: UInt32
    public let protector: SlotKind
    /// What it protects against, named for what it is.
    public let note: String
  }

  public let isSealed: Bool
  public let slots: [Slot]
  /// The key-encryption keys, the last of which seals.
  public let keks: [UInt32]
}

extension SlotKind {
  public var note: String {
    switch self {
    case .file: "beside the database: no protection against who copies the folder"
    case .passphrase: "typed at each start"
    case .recoveryCode: "kept away: opens when all else is lost"
    }
  }
}

extension Refusal {
  static let wrongOpener = Refusal(
    .forbidden, "vault-not-opened", "expected what opens a slot of the vault, found something that opens none")
}

// MARK: - The keys below the vault

extension VaultAdministration {
  /// Loads the issuing CAs' keys and their responders', once the vault is unsealed.
  public func load() async throws {
    let keys = try await sealed(VaultSecret.signingKey)
    var issuers: [Issuer] = []
    for record in try await reader.issuers() {
      guard let key = record.key, let sealed = keys[key] else { continue }
      let signer = try SoftwareSigner(.p256, scalar: try instance.vault.open(sealed))
      issuers.append(try Issuer(certificate: record.der, use: record.use, signer: signer, points: points))
    }
    instance.authorities.unseal(issuers, responders: try await responders(of: issuers))
  }

  private func responders(of issuers: [Issuer]) async throws -> [IssuerUse: OCSPResponder] {
    let keys = try await sealed(VaultSecret.responderKey)
    let profile = instance.policies.permitOCSPResponder(by: .service).profile
    var responders: [IssuerUse: OCSPResponder] = [:]
    for issuer in issuers {
      guard let certificate = try await reader.ownCertificate(profile: profile, issuerKeyID: issuer.keyID),
        let key = keys[certificate.record]
      else { continue }
      let signer = try SoftwareSigner(.p256, scalar: try instance.vault.open(key))
      responders[issuer.use] = try OCSPResponder(issuer: issuer, certificate: certificate.der, signer: signer)
    }
    return responders
  }

  private func sealed(_ purpose: String) async throws -> [RecordID: SealedSecret] {
    Dictionary(try await reader.secrets(purpose: purpose).map { ($0.owner, $0) }, uniquingKeysWith: { $1 })
  }
}
