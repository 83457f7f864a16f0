import Crypto
import Foundation
public import KeyVault
public import MusterModel
import Policy

// How keys come in and go out: sealed to whoever is to have them, never in the clear.

/// A key from elsewhere, sealed to the public key that `importKey` gives.
public struct KeyImportInput: Codable, Sendable, Hashable {
  /// A new ring; or, where it exists, its next version. Its settings are said for a new one alone.
  public let ring: KeyRingInput
  public let key: KeyTransfer

  public init(ring: KeyRingInput, key: KeyTransfer) {
    self.ring = ring
    self.key = key
  }
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
    // Whose it is, or is to be: before anything is opened for a caller.
    let found = try await instance.facts.facts(for: query)
    let group = found.ring.map(\.group) ?? found.group?.record
    if case .refused(let refusal) = try await grant(.keyImport, to: caller, group: group, ring: name) {
      return .refused(refusal)
    }
    guard !instance.vault.isSealed else { return .refused(.sealed) }
    let bytes: SecretBytes
    do throws(VaultError) {
      bytes = try input.key.open(with: instance.vault.importKey(), for: .import(name, kind))
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
