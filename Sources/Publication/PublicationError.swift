public import MusterModel

/// What kept something from being published. None of it is the doing of whoever asks.
public enum PublicationError: Error, Sendable, CustomStringConvertible {
  /// The store did not take what nothing else can have changed.
  case notCommitted(CommitOutcome)
  /// What the store holds as a CRL is none of Muster's.
  case unreadableCRL(CRLName)
  /// The service ends, or has not begun.
  case notRunning

  public var description: String {
    switch self {
    case .notCommitted(let outcome): "expected CRLs to be committed, found \(outcome)"
    case .notRunning: "expected a publisher at work, found none"
    case .unreadableCRL(let name): "expected the CRL \(name) as Muster signs it, found other bytes"
    }
  }
}
