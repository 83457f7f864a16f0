import Enrollment
import HTTPTypes
import MusterModel

/// `/v1/vault`.
struct VaultRoutes: Sendable {
  let rooms: ServiceRooms
  let strangers: StrangerLimits

  var routes: [Route] {
    [
      .operation(.vaultStatus, .get, "/v1/vault") { _, caller in
        try .json(try await rooms.vault.status(by: caller).answered())
      },
      .operation(.vaultSeal, .post, "/v1/vault/seal") { _, caller in
        try .json(try await rooms.vault.seal(by: caller).answered())
      },
      .operation(.vaultUnseal, .post, "/v1/vault/unseal") { request, caller in
        // Who holds an operator's key may not make us stretch passphrases without end either.
        try strangers.checkAttempts(request.peer.source, at: request.at)
        let outcome = try await unseal(try StrictJSON.decode(request), by: caller)
        if case .refused(let refusal) = outcome, refusal.kind == .forbidden {
          strangers.attemptFailed(request.peer.source, at: request.at)
        }
        return try .json(try outcome.answered())
      },
      .operation(.vaultRotateKEK, .post, "/v1/vault/rotate-kek") { _, caller in
        try .json(try await rooms.vault.rotateKEK(by: caller).answered())
      },
    ]
  }

  private func unseal(_ input: UnsealInput, by caller: Caller) async throws -> Outcome<VaultStatus> {
    func secret(_ text: String) -> SecretBytes { SecretBytes(copying: text.utf8) }
    return switch (input.passphrase, input.recoveryCode, input.share) {
    case (let text?, nil, nil): try await rooms.vault.unseal(.passphrase(secret(text)), by: caller)
    case (nil, let text?, nil): try await rooms.vault.unseal(.recoveryCode(secret(text)), by: caller)
    case (nil, nil, let text?): try await rooms.vault.unseal(share: secret(text), by: caller)
    default:
      throw Problem.badRequest(
        "unseal-malformed", "expected a passphrase, a recovery code or a share, found none or more than one")
    }
  }
}
