public import MusterModel

/// The first event of every ledger: whose it is.
public struct InstanceCreated: EventBody {
  public static let kind = "instance-created"
  /// `<trust-domain>/muster/<instance>`: the checkpoint origin without its epoch.
  public let origin: String
  public let epoch: UInt32
  public let trustDomain: TrustDomain
  /// Where certificates say that CRLs and OCSP answers are.
  public let publishURL: String

  public struct Details: Codable, Hashable, Sendable {
    public let organization: String?
    public let hostnames: [String]
    public init(organization: String?, hostnames: [String]) {
      self.organization = organization
      self.hostnames = hostnames
    }
  }

  public init(origin: String, epoch: UInt32, trustDomain: TrustDomain, publishURL: String) {
    self.origin = origin
    self.epoch = epoch
    self.trustDomain = trustDomain
    self.publishURL = publishURL
  }
}

/// `serve` began, with which program.
public struct ServiceStarted: EventBody {
  public static let kind = "service-started"
  public let version: String
  public init(version: String) { self.version = version }
}

/// The private attachment of an event was erased. The ledger still verifies; a replay shows `erased`.
public struct EventErased: EventBody {
  public static let kind = "event-erased"
  public let position: UInt64

  public struct Details: Codable, Hashable, Sendable {
    public let reason: String
    public init(reason: String) { self.reason = reason }
  }

  public init(position: UInt64) { self.position = position }
}

/// A caller who had shown who they are was refused.
public struct RequestRefused: EventBody {
  public static let kind = "request-refused"
  public static let changesRecords = false
  /// What was asked for: an operation of `Policies/access.yaml`, or a way of enrollment.
  public let operation: String
  /// The stable code of the answer.
  public let code: String

  public struct Details: Codable, Hashable, Sendable {
    public let reason: String
    /// The address the request came from.
    public let source: String?
    /// What the decision was made from, as JSON.
    public let decision: String?
    public init(reason: String, source: String?, decision: String? = nil) {
      self.reason = reason
      self.source = source
      self.decision = decision
    }
  }

  public init(operation: String, code: String) {
    self.operation = operation
    self.code = code
  }
}

/// What strangers were refused in one minute, counted: at most 64 rows by source and code, the rest as one.
public struct RefusalsCounted: EventBody {
  public static let kind = "refusals-counted"
  public static let changesRecords = false
  public static let rowLimit = 64
  public let from: Timestamp
  public let to: Timestamp
  public let total: UInt64
  /// How many refusals are in no row.
  public let others: UInt64

  public struct Details: Codable, Hashable, Sendable {
    public struct Row: Codable, Hashable, Sendable {
      public let source: String
      public let code: String
      public let count: UInt64
      public init(source: String, code: String, count: UInt64) {
        self.source = source
        self.code = code
        self.count = count
      }
    }
    public let rows: [Row]
    public init(rows: [Row]) { self.rows = rows }
  }

  public init(from: Timestamp, to: Timestamp, total: UInt64, others: UInt64) {
    self.from = from
    self.to = to
    self.total = total
    self.others = others
  }
}
