import DeviceRegistry
public import KeyVault
public import MusterModel

/// What became of one token.
public struct TokenResult: Codable, Sendable, Hashable {
  public let valid: Bool
  /// Of a valid token.
  public let deviceID: DeviceID?
  public let keyVersion: UInt32?
  /// Until when a valid token holds.
  public let expires: Timestamp?
  /// Of one that is refused: stable, in kebab-case.
  public let code: String?

  static func valid(_ device: DeviceID, keyVersion: UInt32, until time: Timestamp) -> TokenResult {
    TokenResult(valid: true, deviceID: device, keyVersion: keyVersion, expires: time, code: nil)
  }

  static func refused(_ code: String) -> TokenResult {
    TokenResult(valid: false, deviceID: nil, keyVersion: nil, expires: nil, code: code)
  }
}

/// Verifies the tokens that devices show to a hub. A device that is disabled or on the blocklist is refused from the commit
/// on that says so.
public struct TokenVerification: Sendable {
  /// The most tokens of one question.
  public static let limit = 256

  private let reader: any HubReader
  private let vault: Vault
  private let clock: any WallClock
  private let tally: TokenTally

  public init(_ reader: any HubReader, vault: Vault, clock: any WallClock, tally: TokenTally) {
    self.reader = reader
    self.vault = vault
    self.clock = clock
    self.tally = tally
  }

  /// One result for each token, in order.
  public func verify(_ tokens: [String], for credential: HubCredential) async throws -> Result<
    [TokenResult], HubRefusal
  > {
    guard !vault.isSealed else { return .failure(.vaultSealed) }
    guard let host = try await reader.host(of: credential.hub) else { return .failure(.notInOffice) }
    let now = clock.now()
    let parsed = tokens.map { SharedAccessToken.parse($0).refused(at: now, host: host) }
    let asked = parsed.compactMap { try? $0.get().deviceID }
    var found = try await reader.holders(asked, of: credential.hub)[...]
    var results: [TokenResult] = []
    for token in parsed {
      switch token {
      case .failure(let refusal): results.append(.refused(refusal.code))
      case .success(let token): results.append(try judge(token, found.popFirst() ?? nil))
      }
    }
    tally.count(results, of: credential.hub, at: now)
    return .success(results)
  }

  private func judge(_ token: SharedAccessToken, _ found: KeyHolder?) throws -> TokenResult {
    // In the case that it is written in: the other spelling is nobody's.
    guard let found, found.deviceID == token.deviceID else { return .refused(HubRefusal.deviceUnknown.code) }
    guard found.state == .enabled else { return .refused("device-disabled") }
    guard !found.isBlocked else { return .refused("hardware-blocked") }
    guard !found.sealed.isEmpty else { return .refused("device-without-key") }
    // Both keys are tried, whichever fits, so that the time does not tell which.
    let fitting = try found.sealed.filter { token.isSigned(by: try vault.openDeviceKey($0)) }
    guard let version = fitting.first?.version else { return .refused(TokenRefusal.wrongSignature.code) }
    if found.proved != version { tally.proved(found.device, version: version) }
    return .valid(token.deviceID, keyVersion: version, until: token.expires)
  }
}

extension Result<SharedAccessToken, TokenRefusal> {
  fileprivate func refused(at now: Timestamp, host: String) -> Self {
    flatMap { token in token.refusal(at: now, host: host).map { .failure($0) } ?? .success(token) }
  }
}
