public import CertificateAuthority
public import KeyVault
import Ledger
import MusterModel
import Policy

/// Sealing and unsealing: with the vault go the issuing CAs and their OCSP responders.
public struct VaultAdministration: Sendable {
  let instance: Instance
  let reader: any InstanceReader
  let points: PublicationPoints
  let keptSigner: KeptSigner
  let own: any OwnProtectors

  public init(
    _ instance: Instance, reader: any InstanceReader, points: PublicationPoints, keptSigner: @escaping KeptSigner,
    own: any OwnProtectors
  ) {
    self.instance = instance
    self.reader = reader
    self.points = points
    self.keptSigner = keptSigner
    self.own = own
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
    guard let kind = try await open(opener, sparing: spared) else {
      return .refused(try await record(opener.refusal, to: .vaultUnseal, actor, caller))
    }
    // What cannot be recorded does not happen: the vault stays open only once it is on disk that it was opened.
    do {
      try takeNewest(of: try await keks())
      try await load()
      let event = try Event(
        at: instance.clock.now(), by: actor, on: [.vault], VaultUnsealed(protector: kind))
      let unit = UnitOfWork(reads: caller.reads, events: [event])
      guard case .committed = try await instance.store.commit(unit) else {
        shut()
        return .refused(.identityChanged)
      }
    } catch {
      shut()
      throw error
    }
    instance.shares.clear()
    return .done(try await status())
  }

  /// A wrong passphrase is a guess by someone who is known.
  func record(
    _ refusal: Refusal, to operation: Policy.Operation, _ actor: Actor, _ caller: Caller
  ) async throws -> Refusal {
    let event = try Event(
      at: instance.clock.now(), by: actor, on: [.vault],
      RequestRefused(operation: operation.rawValue, code: refusal.code),
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
    // Shares that were given for another root open none.
    instance.shares.clear()
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
    let keks = try await keks().map(\.number).sorted()
    return VaultStatus(
      isSealed: instance.vault.isSealed,
      slots: try await slots().map { .init($0, given: instance.shares.given(of: $0.number, at: instance.clock.now())) },
      keks: keks, rewrapping: keks.count > 1 ? keks.max().map(instance.rewrapping.progress) : nil)
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

  /// How many secrets were re-wrapped since the start.
  public var rewrapped: UInt64 { instance.rewrapping.rewrapped }

  func keks() async throws -> [WrappedKEK] {
    try await reader.secrets(purpose: VaultSecret.kek).map { try WrappedKEK($0.bytes) }
  }

  /// The kind of the slot that it opened; nil where it opens none.
  private func open(_ opener: Opener, sparing spared: UInt32?) async throws -> SlotKind? {
    let keks = try await keks()
    let macRoot = try await reader.secrets(purpose: VaultSecret.macRoot).first
    var failure: VaultError?
    for slot in try await slots() where slot.number != spared {
      do {
        guard let protector = try opener.protector(for: slot) else { continue }
        try await onItsThread { [vault = instance.vault] in
          try vault.unseal(slot, with: protector, keks: keks, macRoot: macRoot)
        }
        return slot.kind
      } catch let error as VaultError {
        if case .keeper = error { failure = error }
      }
    }
    if let failure { throw failure }
    return nil
  }
}
