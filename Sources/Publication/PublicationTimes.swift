/// How long what is published holds, and how often it is looked at: the one place that says so.
public enum PublicationTimes {
  /// From signing a CRL to its nextUpdate. It is signed again in the last third, so that an outage of eight hours at
  /// any time leaves a CRL that holds.
  public static let crl = Duration.seconds(24 * 3600)
  /// How far a CRL's thisUpdate lies before its signing: a broker whose clock is a little behind would take a fresh CRL
  /// for one that does not hold yet, and let nobody in.
  public static let crlBackdating = Duration.seconds(5 * 60)
  /// How long an expired certificate stays in CRLs. RFC 5280 §3.3 asks for one CRL after the expiry.
  public static let expiredKept = Duration.seconds(48 * 3600)
  /// From signing an OCSP answer to its nextUpdate. A ready one is given until half of that has passed.
  public static let ocsp = Duration.seconds(12 * 3600)
  /// The longest that anyone else may keep a copy without asking again.
  public static let copy = Duration.seconds(5 * 60)
  /// How often the time alone makes the publisher look: for lists in their last third, for overlaps that ended.
  static let tick = Duration.seconds(60)
  /// After a failure.
  static let retry = Duration.seconds(5)

  /// From one CRL of an issuer to the next after a change. Each is kept in the ledger's attachments: whoever revokes one
  /// by one fills the disk with at most 50 KB a second.
  static func pause(afterEntries entries: Int) -> Duration { .seconds(1 + entries / 1000) }
}
