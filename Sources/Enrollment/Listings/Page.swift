/// Which part of a listing is asked for: rows after a cursor, at most `limit`.
public struct PageRequest: Sendable, Hashable {
  public static let limits = 1...1000
  public let limit: Int
  /// The `next` of the page before; nil for the first.
  public let after: String?

  /// nil unless `limit` is 1 to 1000 and the cursor at most 128 bytes.
  public init?(limit: Int = 100, after: String? = nil) {
    guard PageRequest.limits.contains(limit), (after?.utf8.count ?? 0) <= 128 else { return nil }
    self.limit = limit
    self.after = after
  }
}

/// One part of a listing, and where the next begins.
public struct Page<Row: Codable & Sendable>: Codable, Sendable {
  public let rows: [Row]
  public let next: String?

  public init(rows: [Row], next: String?) {
    self.rows = rows
    self.next = next
  }
}
