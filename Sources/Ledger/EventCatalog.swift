public import MusterModel

/// The kinds of the ledger's own room.
public enum LedgerEvents {
  public static let kinds: [EventKind] = [
    EventKind(InstanceCreated.self), EventKind(ServiceStarted.self), EventKind(EventErased.self),
    EventKind(RequestRefused.self), EventKind(RefusalsCounted.self), EventKind(ReceiptGiven.self),
  ]
}

/// Every kind of event that this build can read, joined from the rooms' own lists. An older Muster that meets a kind
/// it does not know still verifies the ledger, and refuses to serve.
public struct EventCatalog: Sendable {
  private let kinds: [String: EventKind]

  /// The ledger's own kinds; other rooms' are joined to it.
  public static let ledger: [EventKind] = LedgerEvents.kinds

  /// Of two kinds with one name, which no build has, the first is kept.
  public init(_ kinds: [EventKind]) {
    self.kinds = Dictionary(kinds.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  public var names: Set<String> { Set(kinds.keys) }

  /// Throws `LedgerError.unknownKind`.
  public subscript(kind: String) -> EventKind {
    get throws(LedgerError) {
      guard let known = kinds[kind] else { throw .unknownKind(kind) }
      return known
    }
  }
}
