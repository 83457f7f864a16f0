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
        try await opening(request) { try await unseal(try StrictJSON.decode(request), by: caller) }
      },
      .operation(.vaultRekey, .post, "/v1/vault/rekey") { request, caller in
        try await opening(request) { try await rekey(try StrictJSON.decode(request), by: caller) }
      },
      .operation(.vaultRotateKEK, .post, "/v1/vault/rotate-kek") { _, caller in
        try .json(try await rooms.vault.rotateKEK(by: caller).answered())
      },
    ]
  }

  /// Who holds an operator's key may not make us stretch passphrases without end either.
  private func opening(
    _ request: RoutedRequest, _ open: () async throws -> Outcome<VaultStatus>
  ) async throws -> Answer {
    try strangers.checkAttempts(request.peer.source, at: request.at)
    let outcome = try await open()
    if case .refused(let refusal) = outcome, refusal.code == Refusal.vaultNotOpened {
      strangers.attemptFailed(request.peer.source, at: request.at)
    }
    return try .json(try outcome.answered())
  }

  private func rekey(_ input: RekeyInput, by caller: Caller) async throws -> Outcome<VaultStatus> {
    let (passphrases, codes) = (input.passphrases ?? [], input.recoveryCodes ?? [])
    let count = passphrases.count + codes.count
    guard count <= RekeyInput.limit, input.share == nil || count == 0 else {
      throw Problem.badRequest(
        "rekey-malformed",
        "expected passphrases and recovery codes, \(RekeyInput.limit) at most, or one share alone, found otherwise")
    }
    if let share = input.share { return try await rooms.vault.rekey(share: secret(share), by: caller) }
    return try await rooms.vault.rekey(
      with: passphrases.map { .passphrase(secret($0)) } + codes.map { .recoveryCode(secret($0)) }, by: caller)
  }

  private func secret(_ text: String) -> SecretBytes { SecretBytes(copying: text.utf8) }

  private func unseal(_ input: UnsealInput, by caller: Caller) async throws -> Outcome<VaultStatus> {
    switch (input.passphrase, input.recoveryCode, input.share) {
    case (let text?, nil, nil): try await rooms.vault.unseal(.passphrase(secret(text)), by: caller)
    case (nil, let text?, nil): try await rooms.vault.unseal(.recoveryCode(secret(text)), by: caller)
    case (nil, nil, let text?): try await rooms.vault.unseal(share: secret(text), by: caller)
    default:
      throw Problem.badRequest(
        "unseal-malformed", "expected a passphrase, a recovery code or a share, found none or more than one")
    }
  }
}
