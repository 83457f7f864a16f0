public import KeyVault
public import MusterModel

/// Rollovers of device keys and certificates, as they are shown and as they are carried on. Each answer is one snapshot.
public protocol RolloverReader: Sendable {
  func rollovers(_ page: PageRequest, in scope: GroupScope) async throws -> Page<RolloverSummary>
  func rollover(_ record: RecordID) async throws -> RolloverSummary?
  /// Devices that it waits for; nil where there is no such rollover.
  func stragglers(of rollover: RecordID, _ page: PageRequest) async throws -> Page<RolloverStraggler>?

  /// Those that are under way, in the order in which they were planned.
  func rolloversUnderWay() async throws -> [RolloverSituation]
  /// Devices that may enter it, the order as good as drawn by lot, each time the same; at most `limit`.
  func candidates(of rollover: RecordID, limit: Int) async throws -> [RolloverCandidate]
  /// How many they are.
  func candidateCount(of rollover: RecordID) async throws -> UInt64
  /// Devices in any of the stages since that time or longer, those that are longest first; at most `limit`.
  func members(
    of rollover: RecordID, at stages: [DeviceRollover.Stage], since time: Timestamp, limit: Int
  ) async throws -> [RolloverMember]
  /// The same of a rollover of certificates.
  func certificateMembers(
    of rollover: RecordID, at stages: [DeviceRollover.Stage], since time: Timestamp, limit: Int
  ) async throws -> [CertificateRolloverMember]
}

/// A rollover that is decided about.
public struct RolloverSnapshot: Sendable, Hashable {
  public let record: RecordID
  public let version: UInt64
  public let devices: DeviceQuery
  /// nil for a rollover of keys.
  public let certificates: LeavingCertificates?
  public let state: RolloverState
  /// Whether another of its kind is under way that some of its devices may be in.
  public let hasRival: Bool

  public init(
    record: RecordID, version: UInt64, devices: DeviceQuery, certificates: LeavingCertificates?, state: RolloverState,
    hasRival: Bool
  ) {
    self.record = record
    self.version = version
    self.devices = devices
    self.certificates = certificates
    self.state = state
    self.hasRival = hasRival
  }
}

/// A rollover that is carried on, with the versions that the next step is decided from.
public struct RolloverSituation: Sendable, Hashable {
  public let record: RecordID
  public let campaign: RolloverCampaign
  /// Of the rollover and of the vault: what is sealed under keys of before is not kept.
  public let reads: ReadSet

  public init(record: RecordID, campaign: RolloverCampaign, reads: ReadSet) {
    self.record = record
    self.campaign = campaign
    self.reads = reads
  }
}

/// A device that may enter.
public struct RolloverCandidate: Sendable, Hashable {
  public let device: RecordID
  public let version: UInt64

  public init(device: RecordID, version: UInt64) {
    self.device = device
    self.version = version
  }
}

/// A device in a rollover, with its keys.
public struct RolloverMember: Sendable, Hashable {
  public let device: RecordID
  public let version: UInt64
  public let rollover: DeviceRollover
  public let keys: DeviceKeysSnapshot

  public init(device: RecordID, version: UInt64, rollover: DeviceRollover, keys: DeviceKeysSnapshot) {
    self.device = device
    self.version = version
    self.rollover = rollover
    self.keys = keys
  }
}

/// A rollover as people see it.
public struct RolloverSummary: Codable, Sendable, Hashable {
  public let record: RecordID
  public let kind: RolloverKind
  /// Of certificates, whose are to leave; nil for all that were issued before the start.
  public let issuerKeyID: String?
  /// Whose devices it is of: of all that is named. A name that was erased is nil.
  public let group: RecordName?
  public let hub: RecordName?
  public let batch: RecordID?
  public let isOfAll: Bool
  public let state: RolloverState
  /// Why it is in that state.
  public let cause: RolloverStateChanged.Cause
  public let changed: Timestamp
  public let plan: RolloverPlan
  public let planned: Timestamp
  public let started: Timestamp?
  /// The last wave that was opened; 0 before the first.
  public let wave: UInt32
  /// The share of the devices that it lets in, with those before, in percent.
  public let share: UInt32
  /// How many devices have entered, and how many were refused since it was last resumed: a token, of those with a new key;
  /// or a renewal.
  public let entered: UInt64
  public let refused: UInt64
  /// Of those that have entered, by stage; all stages are there.
  public let devices: [String: UInt64]

  public init(
    record: RecordID, certificates: LeavingCertificates?, of filter: DeviceFilter, isOfAll: Bool,
    cause: RolloverStateChanged.Cause, changed: Timestamp, planned: Timestamp, started: Timestamp?,
    campaign: RolloverCampaign
  ) {
    self.record = record
    kind = campaign.kind
    issuerKeyID = certificates?.issuerKeyID
    group = filter.group
    hub = filter.hub
    batch = filter.batch
    self.isOfAll = isOfAll
    state = campaign.state
    self.cause = cause
    self.changed = changed
    plan = campaign.plan
    self.planned = planned
    self.started = started
    wave = campaign.wave
    share = campaign.plan.share(ofWave: campaign.wave)
    entered = campaign.entered
    refused = campaign.refused
    devices = Dictionary(
      uniqueKeysWithValues: DeviceRollover.Stage.allCases.map { ($0.rawValue, campaign.count($0)) })
  }
}

/// A device that a rollover waits for.
public struct RolloverStraggler: Codable, Sendable, Hashable {
  public let device: RecordID
  /// nil where it was erased.
  public let deviceID: DeviceID?
  public let stage: DeviceRollover.Stage
  public let since: Timestamp
  /// The version that it proved last, and when; nil where it never proved one.
  public let proved: UInt32?
  public let provedAt: Timestamp?
  /// The version that is there for it.
  public let made: UInt32?

  public init(
    device: RecordID, deviceID: DeviceID?, stage: DeviceRollover.Stage, since: Timestamp, proved: UInt32?,
    provedAt: Timestamp?, made: UInt32?
  ) {
    self.device = device
    self.deviceID = deviceID
    self.stage = stage
    self.since = since
    self.proved = proved
    self.provedAt = provedAt
    self.made = made
  }
}
