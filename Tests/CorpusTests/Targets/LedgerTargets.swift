import CertificateAuthority
import Crypto
import DeviceRegistry
import Foundation
import KeyVault
import Policy

@testable import Ledger
@testable import MusterModel

let ledgerTargets = [
  FuzzTarget("event", upTo: 2048, event),
  FuzzTarget("event-details", upTo: 1024, eventDetails),
  FuzzTarget("signed-note", upTo: 1024, signedNote),
  FuzzTarget("verifier-key", upTo: 256, verifierKey),
  FuzzTarget("event-proof", upTo: 2048, eventProof),
  FuzzTarget("proof-json", upTo: 2048, proofJSON),
  FuzzTarget("tile-path", upTo: 64, tilePath),
  FuzzTarget("ledger-export", upTo: 8192, ledgerExport),
]

private let kinds =
  EventCatalog.ledger + DeviceEvents.kinds + PolicyEvents.kinds + CertificateEvents.kinds + VaultEvents.kinds
private let catalog = EventCatalog(kinds)

// MARK: - Events

/// An event that reads is written as one of the same kind and the same body, and that is a fixed point.
@Sendable private func event(_ bytes: [UInt8]) throws -> Bool {
  try takes(orRefusesBy: EventError.self) {
    let envelope = try EventEnvelope(bytes)
    guard let kind = try? catalog[envelope.kind] else { return }
    let body = try kind.body(bytes)
    let written = try line(envelope, body)
    let again = try EventEnvelope(written)
    try require(isSame(again.kind, kind.name) && again.at == envelope.at, "expected a \(kind.name) again")
    try require(again.on == envelope.on && again.by == envelope.by, "expected the same records and actor again")
    try require(try line(again, kind.body(written)) == written, "expected the same \(kind.name) again")
  }
}

private func line<Body: EventBody>(_ envelope: EventEnvelope, _ body: Body) throws -> [UInt8] {
  let line = EventLine(
    at: envelope.at, body: body, by: envelope.by, kind: envelope.kind, on: envelope.on, policy: envelope.policy,
    private: envelope.privateDigest, v: Event.version)
  return [UInt8](try EventCoding.encoder().encode(line))
}

/// The name of a kind, a newline, and a private attachment of it.
@Sendable private func eventDetails(_ bytes: [UInt8]) throws -> Bool {
  let name = bytes.prefix { $0 != UInt8(ascii: "\n") }
  guard let kind = try? catalog[text(Array(name))] else { return false }
  let salt = [UInt8](repeating: 0, count: 16)
  return try takes(orRefusesBy: EventError.self) {
    guard let details = try kind.details(Array(bytes.dropFirst(name.count + 1))) else { return }
    let written = [UInt8](try EventCoding.encoder().encode(details))
    guard let again = try kind.details(salt + written) else {
      throw BrokenInvariant(description: "expected details of \(kind.name) again")
    }
    try require([UInt8](try EventCoding.encoder().encode(again)) == written, "expected the same details again")
  }
}

// MARK: - Texts

/// A note is its text and its signature lines; what the fixed key is said to have signed, it signed.
@Sendable private func signedNote(_ bytes: [UInt8]) throws -> Bool {
  let text = text(bytes)
  let verifier = try corpusLedger.get().verifier
  if case .success(let verified) = verifier.verify(text) {
    try require(isSame(verified.note, text), "expected the note as it was read")
    try require(verified.origin == verifier.origin, "expected the key's own origin")
  }
  return try takes(orRefusesBy: LedgerError.self) {
    let note = try SignedNote(text)
    let lines = note.signatures.map { SignedNote.line(name: $0.name, keyID: $0.keyID, signature: $0.bytes) }
    try require(isSame(note.text + "\n" + lines.joined(), text), "expected the note as it was read")
    guard let checkpoint = try? Checkpoint(text: note.text) else { return }
    try require(isSame(checkpoint.text, note.text), "expected the checkpoint as it was read")
  }
}

@Sendable private func verifierKey(_ bytes: [UInt8]) throws -> Bool {
  try takes(orRefusesBy: LedgerError.self) {
    let verifier = try CheckpointVerifier(key: text(bytes))
    try require(isSame(verifier.key, text(bytes)), "expected the key as it was read")
  }
}

/// A proof is its text; what it proves under the fixed key is the event that it carries.
@Sendable private func eventProof(_ bytes: [UInt8]) throws -> Bool {
  try takes(orRefusesBy: LedgerError.self) {
    let proof = try EventProof(text: text(bytes))
    try require(isSame(proof.text, text(bytes)), "expected the proof as it was read")
    switch proof.verify(with: try corpusLedger.get().verifier) {
    case .failure(let refusal): try requirePlain(refusal)
    case .success(let proved):
      try require(proved.bytes == proof.event && proved.position < proved.checkpoint.size, "expected the event proved")
    }
  }
}

/// Either proof as JSON: it says the same again, and only roots that it leads to verify.
@Sendable private func proofJSON(_ bytes: [UInt8]) throws -> Bool {
  let madeUp = Digest.sha256([1])
  if let proof = try? JSONDecoder().decode(InclusionProof.self, from: Data(bytes)) {
    try require(proof.position < proof.size, "expected a position in the tree")
    try require(try again(proof) == proof, "expected the same proof again")
    try require(proof.computedRoot.map { proof.verify(root: $0) } ?? true, "expected the computed root to verify")
    return true
  }
  if let proof = try? JSONDecoder().decode(ConsistencyProof.self, from: Data(bytes)) {
    try require(proof.old <= proof.new, "expected a continuation")
    try require(try again(proof) == proof, "expected the same proof again")
    try require(!proof.verify(oldRoot: madeUp, newRoot: Digest.sha256([2])), "expected made-up roots not to verify")
    return true
  }
  return false
}

private func again<Proof: Codable>(_ proof: Proof) throws -> Proof {
  try JSONDecoder().decode(Proof.self, from: JSONEncoder().encode(proof))
}

@Sendable private func tilePath(_ bytes: [UInt8]) throws -> Bool {
  guard let tile = TileCoordinate(path: text(bytes)) else { return false }
  try require(isSame(tile.path, text(bytes)), "expected \(tile) to be written as it was read")
  let again = TileCoordinate(level: tile.level, index: tile.index, width: tile.width)
  try require(again == tile, "expected \(tile) to lie in a tree")
  return true
}

// MARK: - Exports

/// The verdict is the same in pieces of any size, and sound only where as many events were found as were signed.
@Sendable private func ledgerExport(_ bytes: [UInt8]) throws -> Bool {
  try takes(orRefusesBy: LedgerError.self) {
    let report = try verify(bytes, pieces: 7)
    for finding in report.findings { try requirePlain(finding) }
    try require(try verify(bytes, pieces: 4096) == report, "expected the same verdict in larger pieces")
    try require(!report.isSound || report.checkpoint?.size == report.events, "expected all that was signed")
  }
}

private func verify(_ bytes: [UInt8], pieces size: Int) throws -> LedgerReport {
  var rest = bytes[...]
  let reader = try LedgerExportReader {
    defer { rest = rest.dropFirst(size) }
    return Array(rest.prefix(size))
  }
  return try LedgerVerification(verifier: reader.claimedVerifier).verify(reader.records)
}

/// The ledger that the corpora are of: its key is known to everyone.
let corpusLedger = Result {
  guard let origin = LedgerOrigin("fuzz.muster.internal/muster/a/1") else {
    throw BrokenInvariant(description: "expected an origin")
  }
  return CheckpointSigner(origin: origin, key: try .init(rawRepresentation: [UInt8](repeating: 7, count: 32)))
}
