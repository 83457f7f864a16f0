/// What one kind of event says. Each room of floor 1 owns the bodies of its own events. A kind never changes its
/// meaning or loses a field: a change is a new kind, and one file per kind ever shipped lies in `Tests/Vectors/events/`.
public protocol EventBody: Codable, Hashable, Sendable {
  /// What can name or locate a person: names, hardware values, addresses, free text. Kept in a private attachment that
  /// can be erased; the event holds its digest alone.
  associatedtype Details: Codable, Hashable, Sendable = NoDetails

  /// The kind's name on disk, in kebab-case.
  static var kind: String { get }

  /// Whether the event changes the records in `on`, so that what was decided from them before is stale. A refusal
  /// belongs to a record's history and changes nothing.
  static var changesRecords: Bool { get }
}

extension EventBody {
  public static var changesRecords: Bool { true }
}

/// The details of a kind that has none.
public struct NoDetails: Codable, Hashable, Sendable {
  public init() {}
}
