import Attestation
import CertificateAuthority
import DeviceRegistry
import KeyVault
public import Ledger
import MusterModel
import Policy

extension EventCatalog {
  /// Every kind that this build knows, of all rooms.
  public static let muster = EventCatalog(
    EventCatalog.ledger + DeviceEvents.kinds + PolicyEvents.kinds + CertificateEvents.kinds + VaultEvents.kinds
      + AttestationEvents.kinds + RingEvents.kinds + RolloverEvents.kinds)
}
