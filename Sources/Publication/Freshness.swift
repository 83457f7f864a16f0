public import MusterModel

/// What HTTP says of a published object: its validators (RFC 9110 §8.8) and how long a copy holds (RFC 9111 §5.2).
public struct Freshness: Sendable, Hashable {
  /// A strong entity tag with its quotes.
  public let entityTag: String
  public let lastModified: Timestamp
  /// The object's nextUpdate.
  public let expires: Timestamp

  init(digest: Digest, lastModified: Timestamp, expires: Timestamp) {
    entityTag = "\"\(digest.hex.prefix(32))\""
    self.lastModified = lastModified.wholeSeconds
    self.expires = expires.wholeSeconds
  }

  /// Seconds that a copy may be used: until nextUpdate, and no longer than `PublicationTimes.copy`, for a revocation is
  /// to be seen.
  public func maxAge(at now: Timestamp) -> Int64 {
    let left = expires.seconds - now.seconds
    return max(0, min(left, PublicationTimes.copy.components.seconds))
  }

  /// The field Cache-Control (RFC 5019 §6.2).
  public func cacheControl(at now: Timestamp) -> String {
    "max-age=\(maxAge(at: now)), public, no-transform, must-revalidate"
  }
}
