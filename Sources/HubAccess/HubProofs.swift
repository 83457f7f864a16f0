import KeyVault
public import MusterModel

/// What a hub says that verifies by the keys that it holds: the version of its keys that a device used.
public struct ReportedProof: Codable, Sendable, Hashable {
  public let deviceID: DeviceID
  /// nil where what the device showed was signed by none of its keys.
  public let keyVersion: UInt32?

  public init(deviceID: DeviceID, keyVersion: UInt32?) {
    self.deviceID = deviceID
    self.keyVersion = keyVersion
  }

  private enum CodingKeys: CodingKey { case deviceID, keyVersion }

  /// A version that is left out is no word of either; `null` is.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    deviceID = try fields.decode(DeviceID.self, forKey: .deviceID)
    keyVersion = try fields.decode(UInt32?.self, forKey: .keyVersion)
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(deviceID, forKey: .deviceID)
    try fields.encode(keyVersion, forKey: .keyVersion)
  }
}

/// What became of one such report.
public struct ProofResult: Codable, Sendable, Hashable {
  /// Whether it is known from here on; of a version, that the device may be let in by it.
  public let accepted: Bool
  /// Of one that is not: stable, in kebab-case.
  public let code: String?

  static let accepted = ProofResult(accepted: true, code: nil)
  static func refused(_ code: String) -> ProofResult { ProofResult(accepted: false, code: code) }
}

/// Takes the word of hubs for the keys that their devices used, as `TokenVerification` takes tokens. It is taken of who may
/// read those keys, and of versions that somebody was handed: such a hub could make the tokens itself.
public struct HubProofs: Sendable {
  /// The most devices of one report.
  public static let limit = 256
  private static let attempts = 4

  private let reader: any HubReader
  private let store: any Store
  private let clock: any WallClock
  private let tally: TokenTally

  public init(_ reader: any HubReader, store: any Store, clock: any WallClock, tally: TokenTally) {
    self.reader = reader
    self.store = store
    self.clock = clock
    self.tally = tally
  }

  /// One result for each, in order. The caller was checked to be one that may read its devices' keys.
  public func take(
    _ reports: [ReportedProof], from credential: HubCredential
  ) async throws -> Result<[ProofResult], HubRefusal> {
    // Where a key is made or ended between the reading and the record of its proof, both are done again.
    for _ in 0..<HubProofs.attempts {
      guard try await reader.isInOffice(credential) else { return .failure(.notInOffice) }
      var uses = KeyUses()
      let holders = try await reader.holders(reports.map(\.deviceID), of: credential.hub)
      let results = zip(reports, holders).map { HubProofs.judge($0, $1, &uses) }
      let isRecorded = try await uses.record(
        in: store, at: clock.now(), by: Actor(credential.hub, by: .certificate), reads: credential.reads)
      guard isRecorded else { continue }
      uses.tell(tally)
      return .success(results)
    }
    return .failure(.contended)
  }

  private static func judge(_ report: ReportedProof, _ found: KeyHolder?, _ uses: inout KeyUses) -> ProofResult {
    guard let found, found.deviceID == report.deviceID else { return .refused(HubRefusal.deviceUnknown.code) }
    if let code = found.refusal { return .refused(code) }
    guard let version = report.keyVersion else {
      uses.refused(found)
      return .accepted
    }
    guard found.sealed.contains(where: { $0.version == version }) else { return .refused("key-version-unknown") }
    guard found.rollover?.device.isHandedOut(version) != false else { return .refused("key-not-handed-out") }
    uses.used(version, by: found)
    return .accepted
  }
}

extension DeviceRollover {
  /// Whether anybody can have the version.
  fileprivate func isHandedOut(_ version: UInt32) -> Bool { stage != .made || version != made }
}
