import DeviceRegistry
public import KeyVault
public import MusterModel

/// What became of one token.
public struct TokenResult: Codable, CanonicalJSON, Sendable, Hashable {
  public let valid: Bool
  /// Of a valid token.
  public let deviceID: DeviceID?
  public let keyVersion: UInt32?
  /// Until when a valid token holds.
  public let expires: Timestamp?
  /// Of one that is refused: stable, in kebab-case.
  public let code: String?

  /// The fields in the order of their names; what is not there is left out.
  public func write(to json: inout JSONWriter) {
    json.field("code", code)
    json.field("deviceID", deviceID)
    json.field("expires", expires)
    json.field("keyVersion", number: keyVersion.map(UInt64.init))
    json.field("valid", bool: valid)
  }

  static func valid(_ device: DeviceID, keyVersion: UInt32, until time: Timestamp) -> TokenResult {
    TokenResult(valid: true, deviceID: device, keyVersion: keyVersion, expires: time, code: nil)
  }

  static func refused(_ code: String) -> TokenResult {
    TokenResult(valid: false, deviceID: nil, keyVersion: nil, expires: nil, code: code)
  }
}

/// Verifies the tokens that devices show to a hub. A device that is disabled or on the blocklist is refused from the commit
/// on that says so. Of a device in a rollover a change of key is on record before the hub is told that the token is good.
public struct TokenVerification: Sendable {
  /// The most tokens of one question.
  public static let limit = 256
  private static let attempts = 4

  private let reader: any HubReader
  private let store: any Store
  private let vault: Vault
  private let clock: any WallClock
  private let tally: TokenTally

  public init(_ reader: any HubReader, store: any Store, vault: Vault, clock: any WallClock, tally: TokenTally) {
    self.reader = reader
    self.store = store
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
    // Where a key is made or ended between the reading and the record of its proof, both are done again.
    for _ in 0..<TokenVerification.attempts {
      let judged = try judge(parsed, try await holders(of: parsed, credential))
      guard try await judged.uses.record(in: store, at: now, by: .service) else { continue }
      tally.count(judged.results, of: credential.hub, at: now)
      judged.uses.tell(tally)
      return .success(judged.results)
    }
    return .failure(.contended)
  }

  /// What one reading of the devices says of the tokens.
  private struct Judged {
    var results: [TokenResult] = []
    var uses = KeyUses()
  }

  private func holders(
    of parsed: [Result<SharedAccessToken, TokenRefusal>], _ credential: HubCredential
  ) async throws -> [KeyHolder?] {
    try await reader.holders(parsed.compactMap { try? $0.get().deviceID }, of: credential.hub)
  }

  private func judge(
    _ parsed: [Result<SharedAccessToken, TokenRefusal>], _ holders: [KeyHolder?]
  ) throws -> Judged {
    var (judged, found) = (Judged(), holders[...])
    for token in parsed {
      switch token {
      case .failure(let refusal): judged.results.append(.refused(refusal.code))
      case .success(let token): try judge(token, found.popFirst() ?? nil, &judged)
      }
    }
    return judged
  }

  private func judge(_ token: SharedAccessToken, _ found: KeyHolder?, _ judged: inout Judged) throws {
    // In the case that it is written in: the other spelling is nobody's.
    guard let found, found.deviceID == token.deviceID else {
      return judged.results.append(.refused(HubRefusal.deviceUnknown.code))
    }
    if let code = found.refusal { return judged.results.append(.refused(code)) }
    // Both keys are tried, whichever fits, so that the time does not tell which.
    let fitting = try found.sealed.filter { token.isSigned(by: try vault.deviceKey($0)) }
    guard let version = fitting.first?.version else {
      judged.uses.refused(found)
      return judged.results.append(.refused(TokenRefusal.wrongSignature.code))
    }
    judged.uses.used(version, by: found)
    judged.results.append(.valid(token.deviceID, keyVersion: version, until: token.expires))
  }
}

extension Result<SharedAccessToken, TokenRefusal> {
  fileprivate func refused(at now: Timestamp, host: String) -> Self {
    flatMap { token in token.refusal(at: now, host: host).map { .failure($0) } ?? .success(token) }
  }
}
