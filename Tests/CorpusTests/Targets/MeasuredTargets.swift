import MusterModel

@testable import Attestation

let measuredTargets = [
  FuzzTarget("event-log", upTo: 8192, eventLog), FuzzTarget("quote", upTo: 4096, quote),
  FuzzTarget("activation", upTo: 2048, activation),
]

/// The events are the bytes that were read, to the last; what is claimed of Secure Boot, the replay tells of.
@Sendable private func eventLog(_ bytes: [UInt8]) throws -> Bool {
  let log: EventLog
  do {
    log = try EventLog(bytes)
  } catch {
    try requirePlain("expected \(error.expected), found \(error.found)")
    return false
  }
  let written = log.events.flatMap(\.written)
  try require(Array(bytes.suffix(written.count)) == written, "expected the events as they were read")
  for hash in TPMHash.allCases {
    let replay = log.replay(hash)
    try require((replay != nil) == log.banks.contains { $0.hash == hash.rawValue }, "expected each bank, and no other")
    for (register, value) in replay ?? [:] {
      try require((0..<24).contains(register) && value.count == hash.size, "expected a register, found \(register)")
    }
    try require(log.secureBoot(hash) == nil || replay?[7] != nil, "expected register 7 to be told of")
  }
  return true
}

/// A statement, values, and a log, each of the first two behind its size: values are those that were given, each once.
@Sendable private func quote(_ bytes: [UInt8]) throws -> Bool {
  let parts = framed(bytes)
  guard parts.count >= 2 else { return false }
  let log = parts.count > 2 ? parts[2] : nil
  let shown = Quote(info: parts[0], signature: [], pcrValues: parts[1], eventLog: log)
  let (appraisal, boot) = shown.appraise(akPublic: [], nonce: parts[0])
  try require(!appraisal.isAccepted && boot == nil, "expected nothing of a quote that nobody signed")
  guard let info = try? TPMAttest(parts[0]), case .quote(let selection, _) = info.attested else { return false }
  let wanted = selection.reduce(0) { $0 + $1.registers.count }
  var values: [RegisterValues] = []
  if let read = try? RegisterValues(parts[1], of: selection) {
    try require(read.entries.flatMap(\.value) == parts[1], "expected the values as they were read")
    values.append(read)
  }
  if let log = log.flatMap({ try? EventLog($0) }) {
    if let replayed = try? RegisterValues(log, of: selection) {
      try require(
        replayed.told(by: log).allSatisfy { $0.entry.value == $0.replayed }, "expected a log to agree with itself")
      values.append(replayed)
    }
    for value in values { _ = MeasuredBoot(value, log) }
  }
  for value in values { try require(value.entries.count == wanted, "expected each quoted register") }
  return !values.isEmpty
}

/// What a stranger shows of a TPM, each key behind its size: a challenge is of a secret that is not in it, in structures of
/// the sizes that they say.
@Sendable private func activation(_ bytes: [UInt8]) throws -> Bool {
  let parts = framed(bytes)
  guard parts.count >= 3 else { return false }
  let evidence = TPMEvidence(
    ekPublic: parts[0], akPublic: parts[1], keyPublic: parts[2], ekCertificate: parts.count > 3 ? parts[3] : nil)
  switch evidence.appraise() {
  case .failure(let refusal):
    try requirePlain(refusal)
    return false
  case .success(let shown):
    guard case .success(let challenge) = TPMChallenge.make(for: shown) else { return false }
    for structure in [challenge.credential.identity, challenge.credential.encryptedSeed] {
      let size = structure.prefix(2).reduce(0) { $0 << 8 | Int($1) }
      try require(structure.count == size + 2, "expected a structure of the size that it says")
    }
    return true
  }
}

extension EventLog.Event {
  fileprivate var written: [UInt8] {
    func number(_ value: UInt32, _ width: Int) -> [UInt8] {
      (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }
    return number(register, 4) + number(type, 4) + number(UInt32(measurements.count), 4)
      + measurements.flatMap { number(UInt32($0.hash), 2) + $0.digest } + number(UInt32(data.count), 4) + data
  }
}
