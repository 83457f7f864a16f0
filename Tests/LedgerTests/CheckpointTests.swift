import Crypto
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import Ledger

/// A ledger's name and key, the same in every run.
enum Fixture {
  static let origin = LedgerOrigin("plant.example/muster/k7/1")!
  static let signer = CheckpointSigner(origin: origin, key: key(1))
  static let verifier = signer.verifier

  static func key(_ number: UInt8) -> Curve25519.Signing.PrivateKey {
    // Any 32 bytes are a key.
    (try? Curve25519.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: number, count: 32))) ?? .init()
  }
}

@Suite struct SignedNoteTests {
  /// The example of golang.org/x/mod/sumdb/note, from which C2SP's signed-note comes.
  static let goKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
  static let goNote = """
    If you think cryptography is the answer to your problem,
    then you don't know what your problem is.

    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

    """

  @Test func `Go's note verifies under Go's key`() throws {
    let key = try NoteKey(Self.goKey)
    #expect(key.text == Self.goKey)
    #expect(try key.verify(SignedNote(Self.goNote)) == true)
    let changed = Self.goNote.replacing("problem", with: "trouble")
    #expect(try key.verify(SignedNote(changed)) == false)
    #expect(try Fixture.noteKey.verify(SignedNote(Self.goNote)) == nil)
  }

  @Test func `the checksum database's key has the ID its string says`() throws {
    let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    #expect(try NoteKey(text).keyID == 0x033d_e0ae)
  }

  @Test(arguments: [
    "", "a", "a+b", "PeterNeumann+c74f20a3", "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10Q=",
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
    "n+00000000+" + String(repeating: "A", count: 4000),
  ])
  func `what is no verifier key is refused`(text: String) {
    #expect(throws: LedgerError.self) { try NoteKey(text) }
  }
}

extension Fixture {
  static let noteKey = NoteKey(name: origin.description, publicKey: key(1).publicKey)
}

/// What is wrong with a note, the note, and the code of its refusal.
struct HostileNote: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let note: String
  let code: String

  init(_ what: String, _ note: String, _ code: String) {
    (testDescription, self.note, self.code) = (what, note, code)
  }
}

@Suite struct CheckpointTests {
  static let good = (try? Fixture.signer.sign(size: 3, root: NaiveTree.leaf(7)).note) ?? ""

  @Test func `what another file holds is not said, for it may be a secret`() {
    let secret = "W0QP-BYQM-D5Z5-CQXY-FB8M-4XZ0-P4AB-04RP-GKSD"
    let readings: [(String) throws -> Void] = [
      { _ = try SignedNote($0) }, { _ = try NoteKey($0) }, { _ = try EventProof(text: $0) },
    ]
    for read in readings {
      let error = #expect(throws: LedgerError.self) { try read(secret) }
      #expect(error?.description.contains("W0QP") == false)
    }
  }

  @Test func `a signed checkpoint verifies, and its text is C2SP's`() throws {
    let checkpoint = try Fixture.verifier.verify(Self.good).get()
    #expect(checkpoint.size == 3 && checkpoint.root == NaiveTree.leaf(7) && checkpoint.origin == Fixture.origin)
    #expect(checkpoint.note == Self.good)
    let lines = Self.good.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.prefix(4) == ["plant.example/muster/k7/1", "3", "\(Base64Line.encode(NaiveTree.leaf(7).bytes))", ""])
    #expect(lines[4].hasPrefix("— plant.example/muster/k7/1 "))
    #expect(try CheckpointVerifier(key: Fixture.verifier.key).verify(Self.good).get() == checkpoint)
  }

  @Test func `signatures of others beside ours are ignored`() throws {
    let other = NoteKey(name: "witness.example", publicKey: Fixture.key(9).publicKey)
    let line = SignedNote.line(name: other.name, keyID: other.keyID, signature: [UInt8](repeating: 1, count: 64))
    #expect(throws: Never.self) { try Fixture.verifier.verify(Self.good + line).get() }
    // Our name with another key's ID is another key (C2SP signed-note).
    let namesake = SignedNote.line(name: "\(Fixture.origin)", keyID: 7, signature: [UInt8](repeating: 1, count: 64))
    #expect(throws: Never.self) { try Fixture.verifier.verify(Self.good + namesake).get() }
  }

  static func signed(_ text: String) -> String {
    let signature = (try? Fixture.key(1).signature(for: Data(text.utf8))) ?? Data()
    return text + "\n"
      + SignedNote.line(name: "\(Fixture.origin)", keyID: Fixture.noteKey.keyID, signature: signature)
  }

  static let root = Base64Line.encode(NaiveTree.leaf(7).bytes)

  static let hostile: [HostileNote] = [
    HostileNote("nothing", "", "checkpoint-malformed"),
    HostileNote("an empty line", "\n", "checkpoint-malformed"),
    HostileNote("no signature", "plant.example/muster/k7/1\n3\n\(root)\n", "checkpoint-malformed"),
    HostileNote(
      "no signature after the empty line", "plant.example/muster/k7/1\n3\n\(root)\n\n", "checkpoint-malformed"),
    HostileNote("no newline at the end", String(good.dropLast()), "checkpoint-malformed"),
    HostileNote("text after the signature", good + "x\n", "checkpoint-malformed"),
    HostileNote("a carriage return", good.replacing("\n", with: "\r\n"), "checkpoint-malformed"),
    HostileNote("a NUL", good.replacing("k7", with: "k\0"), "checkpoint-malformed"),
    HostileNote("a hyphen for the dash", good.replacing("—", with: "-"), "checkpoint-malformed"),
    HostileNote("two spaces", good.replacing("— ", with: "—  "), "checkpoint-malformed"),
    HostileNote("a signature in base64url", String(good.dropLast(3)) + "-_\n", "checkpoint-malformed"),
    HostileNote("a signature of four bytes", "a\n\n— \(Fixture.origin) AAAAAA==\n", "checkpoint-malformed"),
    HostileNote("too many signatures", good + String(repeating: "— a AAAAAAA=\n", count: 40), "checkpoint-malformed"),
    HostileNote(
      "too long", good.replacing("3\n", with: String(repeating: "3", count: 70_000) + "\n"), "checkpoint-malformed"),
    HostileNote("another size", good.replacing("\n3\n", with: "\n4\n"), "checkpoint-forged"),
    HostileNote(
      "a doubled signature that is wrong",
      good + SignedNote.line(name: "\(Fixture.origin)", keyID: Fixture.noteKey.keyID, signature: [1, 2]),
      "checkpoint-forged"
    ),
    HostileNote(
      "another key of the same name",
      (try? CheckpointSigner(origin: Fixture.origin, key: Fixture.key(2)).sign(size: 3, root: NaiveTree.leaf(7)).note)
        ?? "", "checkpoint-not-signed"
    ),
    HostileNote(
      "another ledger's text under our key", signed("other.example/muster/k7/1\n3\n\(root)\n"),
      "checkpoint-other-origin"
    ),
    HostileNote(
      "another epoch's text under our key", signed("plant.example/muster/k7/2\n3\n\(root)\n"), "checkpoint-other-origin"
    ),
    HostileNote("a size with a leading zero", signed("\(Fixture.origin)\n03\n\(root)\n"), "checkpoint-malformed"),
    HostileNote("a size with a sign", signed("\(Fixture.origin)\n+3\n\(root)\n"), "checkpoint-malformed"),
    HostileNote("a size of 2^53", signed("\(Fixture.origin)\n9007199254740992\n\(root)\n"), "checkpoint-malformed"),
    HostileNote(
      "a size beyond 64 bits", signed("\(Fixture.origin)\n99999999999999999999999\n\(root)\n"), "checkpoint-malformed"),
    HostileNote("digits that are not ASCII", signed("\(Fixture.origin)\n٣\n\(root)\n"), "checkpoint-malformed"),
    HostileNote("a short root", signed("\(Fixture.origin)\n3\nAAAA\n"), "checkpoint-malformed"),
    HostileNote("an extension line", signed("\(Fixture.origin)\n3\n\(root)\nmore\n"), "checkpoint-malformed"),
    HostileNote("an empty line within", signed("\(Fixture.origin)\n3\n\n\(root)\n"), "checkpoint-malformed"),
    HostileNote("no root", signed("\(Fixture.origin)\n3\n"), "checkpoint-malformed"),
  ]

  @Test(arguments: hostile)
  func `a note that is not ours is refused`(hostile: HostileNote) {
    switch Fixture.verifier.verify(hostile.note) {
    case .success: Issue.record("it was taken")
    case .failure(let refusal):
      #expect(refusal.code == hostile.code, "\(refusal)")
      #expect(!refusal.description.isEmpty && refusal.description.utf8.count < 700)
    }
  }

  @Test func `no single byte of a note can be changed`() throws {
    let bytes = Array(Self.good.utf8)
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      guard let note = String(validating: changed, as: UTF8.self) else { continue }
      #expect(throws: CheckpointRefusal.self, "byte \(index)") { try Fixture.verifier.verify(note).get() }
    }
  }

  @Test(arguments: [
    "plant.example/muster/k7", "plant.example/muster/k7/1/2", "plant.example/other/k7/1", "Plant.example/muster/k7/1",
    "localhost/muster/k7/1", "plant.example/muster//1", "plant.example/muster/k 7/1", "plant.example/muster/k7/01",
    "plant.example/muster/k7/4294967296", "plant.example/muster/k7/-1", "", "a/b/c/d",
  ])
  func `what is no origin is refused`(text: String) {
    #expect(LedgerOrigin(text) == nil)
  }

  @Test func `OpenSSL agrees with the signature`() throws {
    let openssl = try OpenSSL()
    let note = try SignedNote(Self.good)
    // SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 §4): a fixed head and the 32 bytes.
    let spki =
      [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
      + Array(Fixture.key(1).publicKey.rawRepresentation)
    try openssl.write(spki, "key.der")
    try openssl.write(Array(note.text.utf8), "text")
    try openssl.write(Array(note.signatures[0].bytes), "signature")
    try openssl.succeed(
      "pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in text -sigfile signature")
  }
}
