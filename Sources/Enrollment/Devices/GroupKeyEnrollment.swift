import Attestation
import DeviceRegistry
import KeyVault
import MusterModel

extension DeviceEnrollment {
  /// A board enrolls by a token under its key of the group. A group that is not there, or has no key ring, is not told from a
  /// wrong token.
  func register(
    _ token: EnrollmentToken, _ deviceID: DeviceID, _ request: EnrollmentRequest, _ wish: SoundWish, _ facts: GivenFacts
  ) throws -> Step {
    guard let group = facts.group else { return .decided(.refuse(Refusal(.tokenWrong), nil)) }
    var signatures: [RecordID: Digest] = [:]
    for found in facts.boardRings {
      for version in found.versions where found.ring.enrollsBoards(by: version) {
        guard let sealed = version.sealed else { continue }
        let key = try instance.vault.ringKey(sealed, of: found.ring.kind, ring: found.ring.record)
        signatures[version.record] = key.signature(of: token)
      }
    }
    let reference = GroupKeyVerifier.Reference(
      group: group.record, signatures: signatures, longest: EnrollmentToken.longest + SharedAccessToken.skew)
    let evidence = GroupKeyEvidence(
      registration: token.registration, signature: token.signature, expires: token.expires)
    let now = instance.clock.now()
    switch GroupKeyVerifier().appraise(evidence, against: reference, claimed: request.claimed, at: now) {
    case .failure(let refusal): return .decided(.refuse(Refusal(refusal), nil))
    case .success(let result):
      let attempt = EnrollmentAttempt(
        request: request, wish: wish, facts: facts, result: result,
        deviceID: facts.all.deviceID(proposed: deviceID) ?? deviceID, actor: .groupKey, at: now, epoch: instance.epoch)
      if let label = request.label, group.name.folded != label.folded {
        return .decided(try attempt.refuse(Refusal(.groupMismatch)))
      }
      return try decide(attempt, Registry.enroll(attempt.registryCase))
    }
  }
}
