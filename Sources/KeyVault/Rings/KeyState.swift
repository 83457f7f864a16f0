public import MusterModel

/// The state of a key version (NIST SP 800-57 part 1 §7). The moves are in `Docs/key-rings.md`.
public enum KeyState: String, Codable, Sendable, CaseIterable {
  /// Made and not yet used.
  case preActivation = "pre-activation"
  /// Protects, and opens what it protected.
  case active
  /// For now it does nothing.
  case suspended
  /// Its time is over: it opens and verifies, and protects nothing more.
  case deactivated
  /// Others may know it: it opens, so that what it protects can be brought away from it, and vouches for nothing.
  case compromised
  /// Its bytes are gone.
  case destroyed

  /// What it may become.
  public var next: Set<KeyState> {
    switch self {
    case .preActivation: [.active, .compromised, .destroyed]
    case .active: [.suspended, .deactivated, .compromised]
    case .suspended: [.active, .deactivated, .compromised]
    case .deactivated: [.suspended, .compromised, .destroyed]
    case .compromised: [.destroyed]
    case .destroyed: []
    }
  }

  public func permits(_ use: RingUse) -> Bool {
    switch self {
    case .active: true
    case .deactivated: !use.protects
    case .compromised: use == .decrypt || use == .rewrap
    case .preActivation, .suspended, .destroyed: false
    }
  }
}
