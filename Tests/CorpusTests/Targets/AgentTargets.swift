import Foundation
import ServiceAnswers

let agentTargets = [FuzzTarget("service-answers", upTo: 4096, serviceAnswers)]

/// What the service says to the agent, or whoever answers in its place: the first byte says which answer was expected.
@Sendable private func serviceAnswers(_ bytes: [UInt8]) throws -> Bool {
  guard let kind = bytes.first else { return false }
  let body = Data(bytes.dropFirst())
  return try takes(orRefusesBy: UnreadableAnswer.self) {
    switch kind % 6 {
    case 0:
      let challenge: ChallengeAnswer = try ServiceAnswer.decode(body)
      try require(
        !challenge.attestation.contains("/") && !challenge.attestation.contains("."), "expected an ID of no other path")
      try require(challenge.pcrs.count <= 24 && challenge.nonce.count >= 16, "expected a challenge within its bounds")
    case 1:
      let enrolled: EnrolledAnswer = try ServiceAnswer.decode(body)
      for key in [enrolled.keys?.primary, enrolled.keys?.secondary].compactMap(\.self) {
        try require((128...512).contains(key.key.bitCount), "expected a key within its bounds")
      }
      try show(try DeviceCertificate(pem: Array(((enrolled.certificate ?? "") + (enrolled.issuer ?? "")).utf8)))
    case 2:
      let identity: IdentityAnswer = try ServiceAnswer.decode(body)
      try requirePlain(printable(identity.state).prefix(100) + printable(identity.deviceID).prefix(100))
    case 3:
      let problem: ProblemAnswer = try ServiceAnswer.decode(body)
      try requirePlain(printable(problem.title).prefix(200))
    case 4:
      let certificates = try CertificatesOnly.read(body)
      try show(try DeviceCertificate(pem: try RenewedChain.pem(certificates[0], certificates)))
    default: try show(try DeviceCertificate(pem: Array(body)))
    }
  }
}

private func show(_ certificate: DeviceCertificate) throws {
  try requirePlain(certificate.deviceID.prefix(200))
  try require(
    certificate.renewalDue <= certificate.leaf.notValidAfter || !certificate.isValid(at: Date()),
    "expected a time before its end")
}
