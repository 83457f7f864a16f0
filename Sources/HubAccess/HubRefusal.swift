/// Why a hub is refused: a value with a stable code.
public enum HubRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  /// Not there, or not assigned to this hub: which of the two is not told.
  case deviceUnknown
  case certificateUnknown
  case rolledBack
  case notInOffice
  case vaultSealed
  /// It asked for keys sealed to its key, and registered none.
  case withoutSealKey
  /// The receipt names another hub than the one that sends it.
  case otherHub
  /// Not signed by the key of the hub's certificate.
  case receiptForged
  /// The hub's time is too far ahead.
  case receiptTime
  /// The keys of a device changed each time while its proof was recorded.
  case contended

  public var code: String {
    switch self {
    case .deviceUnknown: "device-unknown"
    case .certificateUnknown: "certificate-unknown"
    case .rolledBack: "ledger-rolled-back"
    case .notInOffice: "hub-removed"
    case .vaultSealed: "vault-sealed"
    case .withoutSealKey: "hub-without-seal-key"
    case .otherHub: "receipt-other-hub"
    case .receiptForged: "receipt-forged"
    case .receiptTime: "receipt-time"
    case .contended: "contended"
    }
  }

  public var description: String {
    switch self {
    case .deviceUnknown: "expected a device that is assigned to this hub, found none of that ID"
    case .certificateUnknown: "expected a certificate of a device that is assigned to this hub, found none"
    case .rolledBack: "expected a place in this ledger, found one that it does not have: begin with a snapshot"
    case .notInOffice: "expected a hub in office with a good certificate, found it removed or revoked"
    case .vaultSealed: "expected an unsealed vault, found it sealed"
    case .withoutSealKey:
      "expected a hub with a registered key to seal to, found none: an operator registers it, muster hub seal-key"
    case .otherHub: "expected a receipt of the hub that sends it, found another hub's"
    case .receiptForged: "expected a signature by the P-256 key of the hub's certificate, found another"
    case .receiptTime: "expected a time that is not ahead of ours, found one that is"
    case .contended: "expected the devices' keys to stand still for one commit, found them changed each time"
    }
  }
}
