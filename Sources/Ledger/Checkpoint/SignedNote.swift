import Foundation
import MusterModel

import enum Crypto.Curve25519

/// Text with signature lines below it (C2SP signed-note), read and not yet verified.
struct SignedNote {
  struct Signature {
    let name: String
    /// Which key of that name: four bytes, big-endian.
    let keyID: UInt32
    let bytes: [UInt8]
  }

  /// The longest note that is read, in bytes.
  static let sizeLimit = 65_536
  /// C2SP signed-note: verifiers must accept at least 16.
  static let signatureLimit = 32

  /// What is signed, its last newline included.
  let text: String
  let signatures: [Signature]

  /// Reads a note; throws `LedgerError.malformed`.
  init(_ note: some StringProtocol) throws(LedgerError) {
    guard note.utf8.count <= SignedNote.sizeLimit else {
      throw SignedNote.malformed("a note of at most \(SignedNote.sizeLimit) bytes", "\(note.utf8.count)")
    }
    guard !note.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" }) else {
      throw SignedNote.malformed("no control characters but newlines", "one")
    }
    let lines = pieces(of: note, at: "\n")
    // The last empty line parts text and signatures; the note ends with a newline, hence one empty string more.
    guard lines.count >= 4, lines.last == "", let blank = lines.dropLast().lastIndex(of: ""), blank > 0 else {
      throw SignedNote.malformed("text, an empty line and signature lines", another(note))
    }
    let rows = lines[(blank + 1)...].dropLast()
    guard (1...SignedNote.signatureLimit).contains(rows.count) else {
      throw SignedNote.malformed("1 to \(SignedNote.signatureLimit) signatures", "\(rows.count)")
    }
    text = lines[..<blank].joined(separator: "\n") + "\n"
    var signatures: [Signature] = []
    for row in rows { signatures.append(try SignedNote.signature(row)) }
    self.signatures = signatures
  }

  private static func signature(_ row: String) throws(LedgerError) -> Signature {
    let words = pieces(of: row, at: " ")
    guard words.count == 3, words[0] == "—", NoteKey.isName(words[1]), let blob = Base64Line.decode(words[2]),
      blob.count > 4
    else { throw malformed("a signature line", excerpt(row)) }
    return Signature(
      name: words[1], keyID: blob[..<4].reduce(0) { $0 << 8 | UInt32($1) }, bytes: Array(blob.dropFirst(4)))
  }

  private static func malformed(_ expected: String, _ found: String) -> LedgerError {
    .malformed(what: "a signed note", expected: expected, found: found)
  }

  /// A signature line with its newline.
  static func line(name: String, keyID: UInt32, signature: some Sequence<UInt8>) -> String {
    let id = (0..<4).map { UInt8(truncatingIfNeeded: keyID >> UInt32(24 - 8 * $0)) }
    return "— \(name) \(Base64Line.encode(id + Array(signature)))\n"
  }
}

/// An Ed25519 key with the name it signs notes under (C2SP signed-note, type 0x01).
struct NoteKey: Sendable {
  private static let ed25519: UInt8 = 0x01

  let name: String
  let keyID: UInt32
  let publicKey: Curve25519.Signing.PublicKey

  init(name: String, publicKey: Curve25519.Signing.PublicKey) {
    self.name = name
    self.publicKey = publicKey
    let input = Array(name.utf8) + [0x0a, NoteKey.ed25519] + Array(publicKey.rawRepresentation)
    keyID = Digest.sha256(input).bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Reads `name+hash+base64`, the hash in eight digits of lower-case hex; throws `LedgerError.malformed`.
  init(_ text: some StringProtocol) throws(LedgerError) {
    let parts = text.utf8.count <= 512 ? text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false) : []
    guard parts.count == 3, NoteKey.isName(parts[0]), let bytes = Base64Line.decode(parts[2]), bytes.count == 33,
      bytes[0] == NoteKey.ed25519,
      let publicKey = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes.dropFirst())
    else {
      throw .malformed(what: "a verifier key", expected: "name+hash+base64 of an Ed25519 key", found: another(text))
    }
    self.init(name: String(parts[0]), publicKey: publicKey)
    guard hash == parts[1] else {
      throw .malformed(what: "a verifier key", expected: "the hash \(hash)", found: excerpt(parts[1]))
    }
  }

  /// `name+hash+base64`.
  var text: String { "\(name)+\(hash)+\(Base64Line.encode([NoteKey.ed25519] + Array(publicKey.rawRepresentation)))" }

  private var hash: String {
    let digits = String(keyID, radix: 16)
    return String(repeating: "0", count: 8 - digits.utf8.count) + digits
  }

  /// Whether the note carries this key's signature; nil where it carries none of this key. Each of this key's must verify.
  func verify(_ note: SignedNote) -> Bool? {
    let own = note.signatures.filter { $0.name == name && $0.keyID == keyID }
    guard !own.isEmpty else { return nil }
    return own.allSatisfy { publicKey.isValidSignature($0.bytes, for: Data(note.text.utf8)) }
  }

  /// Not empty, and neither spaces nor plus (C2SP signed-note).
  static func isName(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && !text.unicodeScalars.contains { $0 == "+" || $0.properties.isWhitespace }
  }
}
