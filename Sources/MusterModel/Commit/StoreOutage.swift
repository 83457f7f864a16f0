/// Why a store takes no commit now. Nothing of what was asked for is done; it may be asked for again.
public enum StoreOutage: String, Sendable, Hashable, CaseIterable {
  /// As much waits already as may.
  case overloaded = "store-overloaded"
  /// The disk has no room.
  case full = "disk-full"
  /// What the disk holds is not certain, after a commit or behind one: nothing is committed until the service starts again.
  case stopped = "store-stopped"

  /// Stable, in kebab-case.
  public var code: String { rawValue }
}

extension StoreOutage: CustomStringConvertible {
  public var description: String {
    switch self {
    case .overloaded: "expected room among the commits that wait, found none"
    case .full: "expected room on the disk of the data folder, found none"
    case .stopped: "expected a store that commits, found one that stopped, for the disk failed: start again"
    }
  }
}

/// An error of a store's, which says whether it is the store's state and no fault of what was asked.
public protocol StoreFailure: Error {
  /// nil for a failure that is not foreseen.
  var outage: StoreOutage? { get }
}
