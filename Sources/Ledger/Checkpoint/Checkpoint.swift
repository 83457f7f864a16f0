public import MusterModel

/// What a ledger says of itself: its origin, how many events it has, and the root over them (C2SP tlog-checkpoint).
public struct Checkpoint: Hashable, Sendable {
  public let origin: LedgerOrigin
  public let size: UInt64
  public let root: Digest

  public init(origin: LedgerOrigin, size: UInt64, root: Digest) {
    self.origin = origin
    self.size = size
    self.root = root
  }

  /// Three lines: origin, size in decimal, root in base64; each ends with a newline. This is what is signed.
  public var text: String { "\(origin)\n\(size)\n\(Base64Line.encode(root.bytes))\n" }

  /// Reads what `text` writes; throws `LedgerError.malformed`. Extension lines are refused: this ledger writes none.
  public init(text: some StringProtocol) throws(LedgerError) {
    let lines = pieces(of: text, at: "\n")
    guard lines.count == 4, lines[3].isEmpty, let origin = LedgerOrigin(lines[0]),
      let size = LedgerSize.parse(lines[1]),
      let root = Base64Line.decode(lines[2]).flatMap({ Digest(bytes: $0) })
    else { throw .malformed(what: "a checkpoint", expected: "origin, size and root", found: excerpt(text)) }
    self.init(origin: origin, size: size, root: root)
  }
}

/// A checkpoint whose signature was checked with a key that is trusted, or was just made with it. Only
/// `CheckpointVerifier` and `CheckpointSigner` make it.
public struct VerifiedCheckpoint: Hashable, Sendable {
  public let checkpoint: Checkpoint
  /// The signed note as it was read: what to keep, and to hand on.
  public let note: String

  init(_ checkpoint: Checkpoint, note: String) {
    self.checkpoint = checkpoint
    self.note = note
  }

  public var origin: LedgerOrigin { checkpoint.origin }
  public var size: UInt64 { checkpoint.size }
  public var root: Digest { checkpoint.root }
}

/// Why a note is no checkpoint to trust.
public enum CheckpointRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  case malformed(String)
  /// No signature by the expected key, name and key ID together.
  case notSigned(by: String)
  /// A signature that claims to be the expected key's and is not.
  case forged(by: String)
  /// Well signed, and of another ledger or epoch.
  case otherOrigin(expected: String, found: String)

  public var code: String {
    switch self {
    case .malformed: "checkpoint-malformed"
    case .notSigned: "checkpoint-not-signed"
    case .forged: "checkpoint-forged"
    case .otherOrigin: "checkpoint-other-origin"
    }
  }

  public var description: String {
    switch self {
    case .malformed(let why): why
    case .notSigned(let key): "expected a signature by \(key), found none"
    case .forged(let key): "expected a valid signature by \(key), found one that does not verify"
    case .otherOrigin(let expected, let found): "expected a checkpoint of \(expected), found one of \(found)"
    }
  }
}
