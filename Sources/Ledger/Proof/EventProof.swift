public import MusterModel

/// One event with what proves it offline to someone who has the verifier key alone: its bytes, its path, and a signed
/// checkpoint. Written in C2SP's tlog-proof form, with the event's bytes as the extra data.
public struct EventProof: Hashable, Sendable {
  private static let version = "c2sp.org/tlog-proof@v1"
  /// The longest text that is read, in bytes: an event in base64, a path and a note.
  static let sizeLimit = 16_384 + SignedNote.sizeLimit

  /// The event's exact bytes.
  public let event: [UInt8]
  public let position: UInt64
  public let path: [Digest]
  /// The signed checkpoint, as a note.
  public let note: String

  /// `proof` must be for the checkpoint's size.
  public init(event: [UInt8], _ proof: InclusionProof, in checkpoint: VerifiedCheckpoint) {
    self.init(event: event, proof, note: checkpoint.note)
  }

  /// `proof` must be for the size of the note's checkpoint.
  init(event: [UInt8], _ proof: InclusionProof, note: String) {
    self.event = event
    position = proof.position
    path = proof.path
    self.note = note
  }

  /// The tlog-proof text.
  public var text: String {
    let lines = ["extra \(Base64Line.encode(event))", "index \(position)"] + path.map { Base64Line.encode($0.bytes) }
    return ([EventProof.version] + lines + [""]).joined(separator: "\n") + "\n" + note
  }

  /// Whether a file that begins so is meant as a proof.
  public static func begins(_ bytes: some Sequence<UInt8>) -> Bool { bytes.starts(with: Array((version + "\n").utf8)) }

  /// Reads what `text` writes; throws `LedgerError.malformed`.
  public init(text: some StringProtocol) throws(LedgerError) {
    guard text.utf8.count <= EventProof.sizeLimit else { throw EventProof.malformed("\(text.utf8.count) bytes") }
    let lines = pieces(of: text, at: "\n")
    // The empty line itself must be there, not only the end of the text.
    guard let blank = lines.dropLast().firstIndex(of: ""), (3...56).contains(blank), lines[0] == EventProof.version
    else {
      throw EventProof.malformed(another(text))
    }
    guard let extra = EventProof.value(of: "extra", lines[1]), let event = Base64Line.decode(extra),
      (1...Event.sizeLimit).contains(event.count)
    else { throw EventProof.malformed(excerpt(lines[1])) }
    guard let index = EventProof.value(of: "index", lines[2]), let position = LedgerSize.parse(index) else {
      throw EventProof.malformed(excerpt(lines[2]))
    }
    var path: [Digest] = []
    for line in lines[3..<blank] {
      guard let hash = Base64Line.decode(line).flatMap({ Digest(bytes: $0) }) else {
        throw EventProof.malformed(excerpt(line))
      }
      path.append(hash)
    }
    self.event = event
    self.position = position
    self.path = path
    note = lines[(blank + 1)...].joined(separator: "\n")
  }

  private static func value(of name: String, _ line: String) -> Substring? {
    line.hasPrefix(name + " ") ? line.dropFirst(name.count + 1) : nil
  }

  private static func malformed(_ found: String) -> LedgerError {
    .malformed(what: "a proof", expected: "C2SP's tlog-proof form with the event as extra data", found: found)
  }

  /// Checks the note's signature, and that the event stands at the position of the tree that it signs.
  public func verify(with verifier: CheckpointVerifier) -> Result<ProvedEvent, ProofRefusal> {
    switch verifier.verify(note) {
    case .failure(let refusal): return .failure(.checkpoint(refusal))
    case .success(let checkpoint):
      let proof = InclusionProof(
        position: position, size: checkpoint.size, leaf: MerkleHash.leaf(event), path: path)
      guard proof.verify(root: checkpoint.root) else {
        return .failure(.notIncluded(position: position, size: checkpoint.size))
      }
      return .success(ProvedEvent(position: position, bytes: event, checkpoint: checkpoint))
    }
  }
}

/// An event that was proved to stand in the ledger. Only `EventProof.verify` makes it.
public struct ProvedEvent: Hashable, Sendable {
  public let position: UInt64
  public let bytes: [UInt8]
  public let checkpoint: VerifiedCheckpoint
}

/// Why a proof does not prove.
public enum ProofRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  case checkpoint(CheckpointRefusal)
  case notIncluded(position: UInt64, size: UInt64)

  public var code: String {
    switch self {
    case .checkpoint(let refusal): refusal.code
    case .notIncluded: "event-not-included"
    }
  }

  public var description: String {
    switch self {
    case .checkpoint(let refusal): "\(refusal)"
    case .notIncluded(let position, let size):
      "expected the event at position \(position) of the tree of size \(size), found another root"
    }
  }
}
