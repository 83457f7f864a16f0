import Attestation
import MusterModel

let attestationTargets = [
  FuzzTarget("tpm-structures", upTo: 2048, tpmStructures),
  FuzzTarget("ek-certificate", upTo: 4096, ekCertificate),
]

/// Four structures behind one size byte each pair, as evidence brings them: whatever they say, a refusal is plain and a
/// key is taken only with a signature that no fuzzer makes. The first byte says where the nonce ends.
@Sendable private func tpmStructures(_ bytes: [UInt8]) throws -> Bool {
  var parts: [[UInt8]] = []
  var rest = bytes[...]
  while parts.count < 4, rest.count >= 2 {
    let size = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
    rest = rest.dropFirst(2)
    parts.append(Array(rest.prefix(size)))
    rest = rest.dropFirst(size)
  }
  while parts.count < 4 { parts.append([]) }
  let attestation = KeyAttestation(
    akPublic: parts[0], keyPublic: parts[1], certifyInfo: parts[2], certifySignature: parts[3])
  let found = attestation.appraise(nonce: Array(rest))
  try requirePlain(found.appraisal)
  try requirePlain(
    Quote(info: parts[2], signature: parts[3]).appraise(akPublic: parts[0], nonce: Array(rest)).appraisal)
  var endorsement = Appraisal()
  endorsement.appraise(ekPublic: parts[0], isCertified: false, as: nil)
  try requirePlain(endorsement)
  try require((found.key != nil) == found.appraisal.isAccepted, "expected a key where it is accepted, and only there")
  // What was read, signature apart, counts as taken: a seed of real structures is.
  return found.appraisal.checks.filter { if case .holds = $0.outcome { true } else { false } }.count >= 2
}

/// Under the certificate itself as its only root nothing is accepted: a leaf is no anchor of itself.
@Sendable private func ekCertificate(_ bytes: [UInt8]) throws -> Bool {
  let trust = (try? MakerTrust.parse(bytes).get()) ?? MakerTrust()
  let found = EKCertificate(bytes).appraise(
    under: trust, at: Timestamp(milliseconds: 1_795_500_000_000), acceptsExpired: true)
  try requirePlain(found.appraisal)
  try require(found.key == nil, "expected a certificate not to vouch for itself")
  return found.appraisal.checks.count > 1
}

private func requirePlain(_ appraisal: Appraisal) throws {
  for check in appraisal.checks {
    switch check.outcome {
    case .holds(let found): try requirePlain(found)
    case .refused(let code, let text): try requirePlain(code + text)
    case .notShown: break
    }
  }
}
