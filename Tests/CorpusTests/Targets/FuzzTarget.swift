/// A parser of bytes from outside, with what must hold of whatever it reads.
public struct FuzzTarget: Sendable, CustomStringConvertible {
  /// The folder of its corpus in `Fuzzing/Corpora`.
  public let name: String
  /// In bytes: the most that the fuzzer gives it.
  public let longest: Int
  /// Whether the parser took the bytes. Throws where something does not hold.
  public let run: @Sendable ([UInt8]) throws -> Bool

  public var description: String { name }

  init(
    _ name: String, upTo longest: Int, _ run: @escaping @Sendable ([UInt8]) throws -> Bool
  ) {
    self.name = name
    self.longest = longest
    self.run = run
  }

  public static let all: [FuzzTarget] =
    requestTargets + certificateTargets + httpTargets + ledgerTargets + nameTargets + fileTargets + vaultTargets
    + manifestTargets + attestationTargets + measuredTargets + agentTargets
}

/// What must hold of a parser, and does not.
public struct BrokenInvariant: Error, CustomStringConvertible {
  public let description: String
}

/// Whether `read` takes what it is given. What it throws as a refusal must be fit to be shown; all else is passed on.
func takes<Refusal: Error & CustomStringConvertible>(
  orRefusesBy _: Refusal.Type, _ read: () throws -> Void
) throws -> Bool {
  do {
    try read()
    return true
  } catch let refusal as Refusal {
    try requirePlain(refusal)
    return false
  }
}

func require(_ holds: Bool, _ what: @autoclosure () -> String) throws {
  guard holds else { throw BrokenInvariant(description: what()) }
}

/// Callers and logs are shown why something is refused: it has to be short, and hostile text must not steer a terminal
/// or break a line.
func requirePlain(_ refusal: some CustomStringConvertible) throws {
  let text = refusal.description
  try require(text.utf8.count <= 1024, "expected a refusal of at most 1024 bytes, found \(text.utf8.count)")
  let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }
  try require(isPlain, "expected a refusal without control characters, found \(text.debugDescription)")
}

/// The two spellings byte by byte: `==` of texts takes canonical equivalents for equal.
func isSame(_ left: some StringProtocol, _ right: some StringProtocol) -> Bool { left.utf8.elementsEqual(right.utf8) }

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
