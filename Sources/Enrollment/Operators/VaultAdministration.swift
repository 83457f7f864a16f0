public import CertificateAuthority
public import KeyVault
import Ledger
public import MusterModel

/// Sealing and unsealing: with the vault go the issuing CAs and their OCSP responders.
public struct VaultAdministration: Sendable {
  let instance: Instance
  let reader: any InstanceReader
  let points: PublicationPoints
  let keptSigner: KeptSigner

  public init(
    _ instance: Instance, reader: any InstanceReader, points: PublicationPoints, keptSigner: @escaping KeptSigner
  ) {
    self.instance = instance
    self.reader = reader
    self.points = points
    self.keptSigner = keptSigner
  }

  /// What opens a slot: text that a person typed, or what whoever has the folder has.
  public enum Opener: Sendable {
    case passphrase(SecretBytes)
    case recoveryCode(SecretBytes)
    case protector(any KeyProtector)

    /// nil for text that is none: no slot is tried.
    func protector() throws -> (any KeyProtector)? {
      switch self {
      case .passphrase(let text):
        return PassphraseProtector.lengths.contains(text.count) ? try PassphraseProtector(text) : nil
      case .recoveryCode(let text): return (try? RecoveryCode.parse(text).get()).map(RecoveryCodeProtector.init)
      case .protector(let protector): return protector
      }
    }
  }

  /// Opens the first slot that this opens, but not `spared`, loads the keys below it, and records it. A wrong one changes
  /// nothing. Throws `VaultError.keeper` where a TPM or a token does not give what opens its slot.
  public func unseal(
    _ opener: Opener, sparing spared: UInt32? = nil, by caller: Caller
  ) async throws -> Outcome<VaultStatus> {
    switch try await Administration(instance).grant(.vaultUnseal, to: caller) {
    case .refused(let refusal): return .refused(refusal)
    case .done: break
    }
    guard let actor = caller.principal.actor else { return .refused(.nobody) }
    guard instance.vault.isSealed else { return .done(try await status()) }
    guard let protector = try opener.protector(), try await open(protector, sparing: spared) else {
      return .refused(try await record(.wrongOpener, actor, caller))
    }
    // What cannot be recorded does not happen: the vault stays open only once it is on disk that it was opened.
    do {
      try await load()
      let event = try Event(
        at: instance.clock.now(), by: actor, on: [.vault], VaultUnsealed(protector: protector.kind))
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

  func status() async throws -> VaultStatus {
    VaultStatus(
      isSealed: instance.vault.isSealed,
      slots: try await slots().map { .init(slot: $0.number, protector: $0.kind, note: $0.kind.note) },
      keks: try await keks().map(\.number))
  }

  private func shut() {
    instance.authorities.seal()
    instance.vault.seal()
  }

  /// Which kinds of slots there are: nobody's to ask, and for the service itself.
  public func slotKinds() async throws -> Set<SlotKind> { Set(try await slots().map(\.kind)) }

  func slots() async throws -> [Slot] {
    try await reader.secrets(purpose: VaultSecret.slot).map { try Slot($0.bytes) }.sorted { $0.number < $1.number }
  }

  private func keks() async throws -> [WrappedKEK] {
    try await reader.secrets(purpose: VaultSecret.kek).map { try WrappedKEK($0.bytes) }
  }

  /// false where no slot of its kind opens.
  private func open(_ protector: any KeyProtector, sparing spared: UInt32?) async throws -> Bool {
    let keks = try await keks()
    var failure: VaultError?
    for slot in try await slots() where slot.kind == protector.kind && slot.number != spared {
      do {
        try await onItsThread { [vault = instance.vault] in try vault.unseal(slot, with: protector, keks: keks) }
        return true
      } catch let error as VaultError {
        if case .keeper = error { failure = error }
      }
    }
    if let failure { throw failure }
    return false
  }
}

/// The purposes under which the vault's own records are kept.
public enum VaultSecret {
  public static let slot = "vault-slot"
  public static let kek = "vault-kek"
  public static let signingKey = "signing-key"
  /// What finds a CA's key in a TPM, in a token.
  public static let tpmSigningKey = "tpm-signing-key"
  public static let pkcs11SigningKey = "pkcs11-signing-key"
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
    case .tpm: "in this machine's TPM"
    case .pkcs11: "in a token behind PKCS #11"
    }
  }
}

extension Refusal {
  static let wrongOpener = Refusal(
    .forbidden, "vault-not-opened", "expected what opens a slot of the vault, found something that opens none")
}
