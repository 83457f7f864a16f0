/// A transaction as data: what was read, what must be free, what happened. The store commits it whole or not at all,
/// and the same unit runs on every store.
public struct UnitOfWork: Sendable {
  /// What the decision was made from: each aggregate with the version that was seen.
  public var reads: ReadSet
  /// Names that must still be free. The database's unique indexes stand behind this check.
  public var claims: [UniqueName]
  /// Quotas that are used up by it, each only as far as it goes.
  public var spends: [CounterSpend]
  public var events: [Event]
  /// Sealed bytes to keep; never part of the ledger.
  public var secrets: [SealedSecret]
  /// The same secrets in other bytes.
  public var rewraps: [Rewrap]
  /// Records whose sealed bytes are to be removed.
  public var forgets: [RecordID]
  /// The answer to a POST with an `Idempotency-Key`, kept with what it did.
  public var answer: IdempotentAnswer?

  public init(
    reads: ReadSet = ReadSet(), claims: [UniqueName] = [], spends: [CounterSpend] = [], events: [Event],
    secrets: [SealedSecret] = [], rewraps: [Rewrap] = [],
    forgets: [RecordID] = [], answer: IdempotentAnswer? = nil
  ) {
    self.reads = reads
    self.claims = claims
    self.spends = spends
    self.events = events
    self.secrets = secrets
    self.rewraps = rewraps
    self.forgets = forgets
    self.answer = answer
  }
}

/// What changes together: a record, or one of the instance's lists. Written as the record's ID or the list's name.
public enum Aggregate: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  case record(RecordID)
  /// The policies and profiles in force.
  case policies
  /// Patterns on the allowlist and the blocklist.
  case hardwarePatterns
  /// The instance itself: its issuers and addresses.
  case instance
  /// The vault's slots and key-encryption keys.
  case vault
  /// The certificates of TPM makers that are trusted.
  case tpmMakers

  private static let lists: [Aggregate] = [.policies, .hardwarePatterns, .instance, .vault, .tpmMakers]

  /// nil for one of the instance's lists.
  public var record: RecordID? {
    if case .record(let id) = self { id } else { nil }
  }

  public var name: String {
    switch self {
    case .record(let id): id.description
    case .policies: "policies"
    case .hardwarePatterns: "hardware-patterns"
    case .instance: "instance"
    case .vault: "vault"
    case .tpmMakers: "tpm-makers"
    }
  }

  public static func < (left: Aggregate, right: Aggregate) -> Bool { left.name < right.name }
  public var description: String { name }

  public init(from decoder: any Decoder) throws {
    let name = try decoder.singleValueContainer().decode(String.self)
    guard let known = RecordID(name).map(Aggregate.record) ?? Aggregate.lists.first(where: { $0.name == name }) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected a record ID or a list, found \(name)"))
    }
    self = known
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

/// Aggregate → version seen. A version is the position of the last event that changed it, plus one; 0 means absent.
public struct ReadSet: Sendable, Hashable {
  public private(set) var versions: [Aggregate: UInt64]

  public init(_ versions: [Aggregate: UInt64] = [:]) { self.versions = versions }

  public mutating func saw(_ aggregate: Aggregate, version: UInt64) { versions[aggregate] = version }

  /// Both; where both saw an aggregate, the older version, so that a change between the two reads is found.
  public func merging(_ other: ReadSet) -> ReadSet {
    ReadSet(versions.merging(other.versions) { min($0, $1) })
  }
}

/// A name that at most one record may hold.
public enum UniqueName: Hashable, Sendable {
  /// Among devices that are not retired, by ASCII case folding.
  case deviceID(DeviceID)
  /// One record per hardware ID.
  case hardware(HardwareID)
  /// At most one active binding per device and per hardware record.
  case activeBinding(RecordID)
  /// A certificate's serial number, per issuer.
  case serial(issuer: String, [UInt8])
  /// A public key belongs to one record for ever.
  case publicKey(Digest, of: RecordID)
  /// The HMAC of a ticket's code.
  case ticketCode(Digest)
  case operatorName(RecordName)
  case hubName(RecordName)
  case groupName(RecordName)
  /// Among orders that are not closed.
  case orderName(RecordName)
  /// A run of a station is one order's for ever.
  case batch(RecordID, of: RecordID)
  case ringName(RecordName)
  case idempotencyKey(operator: RecordID, String)
  /// No other rollover is under way that may be of the same devices.
  case rollover(of: DeviceQuery)
  /// The same of rollovers of certificates.
  case certificateRollover(of: DeviceQuery)
}

/// What there is only so much of. How much, and how much is left, is the store's to know: its events say it.
public enum Counter: Hashable, Sendable {
  /// The devices that an order lets be made.
  case order(RecordID)
  /// How often a version of a key ring, by its own record, may protect something.
  case keyProtections(RecordID)
}

/// So many more of a counter, if they are still within its limit; else the unit is not committed.
public struct CounterSpend: Hashable, Sendable {
  public let counter: Counter
  public let amount: UInt64

  public init(_ counter: Counter, _ amount: UInt64 = 1) {
    self.counter = counter
    self.amount = amount
  }
}

/// Bytes that an event names by their SHA-256.
public struct Attachment: Sendable, Hashable {
  public let digest: Digest
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) {
    digest = Digest.sha256(bytes)
    self.bytes = bytes
  }
}

/// A secret as it may lie on disk: sealed under a key-encryption key of the vault.
public struct SealedSecret: Sendable, Hashable {
  public let owner: RecordID
  public let purpose: String
  public let version: UInt32
  public let bytes: [UInt8]

  public init(owner: RecordID, purpose: String, version: UInt32, bytes: [UInt8]) {
    self.owner = owner
    self.purpose = purpose
    self.version = version
    self.bytes = bytes
  }
}

/// A secret sealed anew, to stand in place of the bytes that it was opened from, and of no others: where they were changed
/// meanwhile, the change stays.
public struct Rewrap: Sendable, Hashable {
  public let sealed: SealedSecret
  public let old: [UInt8]

  public init(_ sealed: SealedSecret, insteadOf old: [UInt8]) {
    self.sealed = sealed
    self.old = old
  }
}

/// What a POST with an `Idempotency-Key` answered: the same key with the same request gets the same answer.
public struct IdempotentAnswer: Sendable, Hashable {
  public let `operator`: RecordID
  public let key: String
  /// SHA-256 over method, path and body.
  public let request: Digest
  public let status: Int
  /// Sealed where the answer holds a secret.
  public let body: [UInt8]
  public let isSealed: Bool

  /// For what a sealed answer is sealed: the key is part of it, so that whoever writes to the database cannot exchange one
  /// answer for another.
  public static func purpose(ofKey key: String) -> String { purposePrefix + key }

  /// The key of such a purpose; nil for another.
  public static func key(ofPurpose purpose: String) -> String? {
    purpose.hasPrefix(purposePrefix) ? String(purpose.dropFirst(purposePrefix.count)) : nil
  }

  private static let purposePrefix = "idempotent-answer/"

  public init(operator id: RecordID, key: String, request: Digest, status: Int, body: [UInt8], isSealed: Bool) {
    self.operator = id
    self.key = key
    self.request = request
    self.status = status
    self.body = body
    self.isSealed = isSealed
  }
}
