import Crypto
import Foundation
public import KeyVault
public import MusterModel
import Policy

// How keys come in and go out: sealed to whoever is to have them, never in the clear.

/// A key from elsewhere, sealed to the public key that `importKey` gives, or wrapped to the one that `wrappingKey` does.
public struct KeyImportInput: Codable, Sendable, Hashable {
  /// A new ring; or, where it exists, its next version. Its settings are said for a new one alone.
  public let ring: KeyRingInput
  public var key: KeyTransfer?
  /// Base64.
  public var wrapped: String?

  public init(ring: KeyRingInput, key: KeyTransfer? = nil, wrapped: String? = nil) {
    self.ring = ring
    self.key = key
    self.wrapped = wrapped
  }
}

public struct WrappingKeyOutput: Codable, Sendable, Hashable {
  /// RSA: SPKI in DER, base64.
  public let publicKey: String
}

public struct ImportKey: Codable, Sendable, Hashable {
  /// X25519, 32 bytes in base64.
  public let publicKey: String
}

public struct KeyExportInput: Codable, Sendable, Hashable {
  /// X25519, 32 bytes in base64: to whom it is sealed.
  public let publicKey: String
  public init(publicKey: String) { self.publicKey = publicKey }
}

public struct ExportedKey: Codable, Sendable, Hashable {
  public let ring: RecordID
  public let kind: RingKind
  public let version: UInt32
  public let key: KeyTransfer
}

extension Administration {
  public func importKey(by caller: Caller) async throws -> Outcome<ImportKey> {
    let decision = instance.policies.access.decideAtAll(caller.principal, .keyImport)
    if case .refused(let refusal) = try await granted(decision, .keyImport, to: caller) { return .refused(refusal) }
    guard !instance.vault.isSealed else { return .refused(.sealed) }
    return .done(
      ImportKey(publicKey: try instance.vault.importKey().publicKey.rawRepresentation.base64EncodedString()))
  }

  /// The RSA key to which cloud HSMs' tools wrap; made, on record, for who asks first.
  public func wrappingKey(by caller: Caller) async throws -> Outcome<WrappingKeyOutput> {
    let decision = instance.policies.access.decideAtAll(caller.principal, .keyImport)
    let grant: AccessGrant
    switch try await granted(decision, .keyImport, to: caller) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let given): grant = given
    }
    guard let actor = caller.principal.actor else { return .refused(.nobody) }
    var query = FactsQuery()
    query.wrappingKey = true
    return try await instance.deciding(for: caller.reads) { [query, vault = instance.vault] in
      guard !vault.isSealed else { return .refuse(.sealed, nil) }
      let facts = try await instance.facts.facts(for: query)
      if let sealed = facts.wrappingKey { return .answer(WrappingKeyOutput(try vault.wrappingKey(sealed))) }
      let now = instance.clock.now()
      let made = try await onItsThread { try vault.makeWrappingKey(RecordID(.key, UUIDv7(at: now))) }
      let event = try Event(
        at: now, by: actor, on: [.vault, .record(made.key.record)], policy: grant.decidedBy, WrappingKeyMade(made.key))
      let unit = UnitOfWork(reads: facts.reads.merging(caller.reads), events: [event], secrets: [made.sealed])
      return .commit(unit) { _ in WrappingKeyOutput(made.key) }
    }
  }

  /// Makes a ring of a key from elsewhere, or the next version of a ring that is there.
  public func importRing(_ input: KeyImportInput, by caller: Caller) async throws -> Outcome<KeyVersionSummary> {
    var query = FactsQuery()
    let kind: RingKind
    let name: RecordName
    do throws(Refusal) {
      (name, kind) = (try parse(name: input.ring.name), try parse(ringKind: input.ring.kind))
      if let group = input.ring.group { query.group = .name(try parse(name: group)) }
    } catch {
      return .refused(error)
    }
    query.ring = name
    query.wrappingKey = input.wrapped != nil
    // Whose it is, or is to be: before anything is opened for a caller.
    let found = try await instance.facts.facts(for: query)
    let group = found.ring.map(\.group) ?? found.group?.record
    if case .refused(let refusal) = try await grant(.keyImport, to: caller, group: group, ring: name) {
      return .refused(refusal)
    }
    guard !instance.vault.isSealed else { return .refused(.sealed) }
    guard (input.key == nil) != (input.wrapped == nil) else {
      return .refused(.malformed("key", "a key that is sealed or one that is wrapped"))
    }
    let bytes: SecretBytes
    do throws(VaultError) {
      bytes = try open(input, named: name, kind, found.wrappingKey)
      try RingKey.check(bytes, of: kind)
    } catch {
      return .refused(error == .sealed ? .sealed : Refusal(.invalid, error.code, error.description))
    }
    // A repeated request finds the ring that its first made, and is told the same again.
    if let answered = try await answeredBefore(caller, as: KeyVersionSummary.self) { return answered }
    guard let ring = try await instance.facts.facts(for: query).ring else {
      return try await createRing(input.ring, imported: bytes, by: caller) { $0.ring.newest }
    }
    guard ring.kind == kind, input.ring == KeyRingInput(name: input.ring.name, kind: input.ring.kind) else {
      return .refused(Refusal(RingRefusal.nameTaken(name)))
    }
    return try await rotateRing(name.text, imported: bytes, by: caller)
  }

  /// Throws `notAuthentic` alike for whatever is wrong with it.
  private func open(
    _ input: KeyImportInput, named name: RecordName, _ kind: RingKind, _ wrappingKey: SealedSecret?
  ) throws(VaultError) -> SecretBytes {
    if let key = input.key { return try key.open(with: instance.vault.importKey(), for: .import(name, kind)) }
    guard let text = input.wrapped, text.utf8.count <= WrappingKey.sizeLimit * 2,
      let wrapped = Data(base64Encoded: text), let wrappingKey
    else { throw .notAuthentic }
    return try instance.vault.wrappingKey(wrappingKey).unwrap(Array(wrapped), as: kind)
  }

  /// Seals a version's key to who may have it. That it left is on record before it does.
  public func export(
    version number: UInt32, of name: String, _ input: KeyExportInput, by caller: Caller
  ) async throws -> Outcome<ExportedKey> {
    var query = FactsQuery()
    do throws(Refusal) { query.ring = try parse(name: name) } catch { return .refused(error) }
    query.ringVersions = [number]
    guard let raw = Data(base64Encoded: input.publicKey),
      let recipient = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: raw)
    else { return .refused(.malformed("public-key", "an X25519 public key of 32 bytes in base64")) }
    // No answer is kept: asked again, it is another export, decided and recorded anew.
    let single = Caller(principal: caller.principal, reads: caller.reads, source: caller.source)
    return try await change(.keyExport, by: single, asking: query, group: { $0.ring?.group }) {
      facts, grant, actor, now in
      guard !instance.vault.isSealed else { return .refused(.sealed) }
      guard let ring = facts.ring else { return .refused(Refusal(RingRefusal.unknown)) }
      guard ring.settings.isExportable else { return .refused(Refusal(RingRefusal.notExportable)) }
      guard let version = facts.ringVersions[number], let sealed = version.sealed else {
        return .refused(Refusal(RingRefusal.versionUnknown(number)))
      }
      if let refusal = ring.refusal(ofExport: version) { return .refused(Refusal(refusal)) }
      let key = try KeyTransfer(
        instance.vault.open(sealed), to: recipient, for: .export(ring.record, version: number))
      let event = try Event(
        at: now, by: actor, on: [.record(ring.record)], policy: grant.decidedBy,
        KeyExported(ring: ring.record, version: number, recipient: .sha256(Array(raw))))
      return .commit(
        UnitOfWork(events: [event]), ExportedKey(ring: ring.record, kind: ring.kind, version: number, key: key))
    }
  }
}

extension WrappingKeyOutput {
  fileprivate init(_ key: WrappingKey) { publicKey = Data(key.publicKey).base64EncodedString() }
}
