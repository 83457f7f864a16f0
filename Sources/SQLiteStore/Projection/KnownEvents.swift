import CertificateAuthority
import DeviceRegistry
import KeyVault
public import Ledger
import MusterModel
import Policy

extension EventCatalog {
  /// Every kind that this build knows, of all rooms.
  public static let muster = EventCatalog(
    EventCatalog.ledger + [
      EventKind(DeviceEnrolled.self), EventKind(BindingEnded.self), EventKind(DeviceStateChanged.self),
      EventKind(HardwareListed.self), EventKind(HardwarePatternListed.self), EventKind(GroupAdded.self),
      EventKind(GroupRemoved.self), EventKind(TicketIssued.self), EventKind(TicketCancelled.self),
      EventKind(PoliciesActivated.self), EventKind(OperatorAdded.self), EventKind(OperatorRemoved.self),
      EventKind(HubAdded.self), EventKind(HubRemoved.self),
      EventKind(IssuerAdded.self), EventKind(CertificateIssued.self), EventKind(CertificateRevoked.self),
      EventKind(CertificateReleased.self), EventKind(CRLPublished.self),
      EventKind(KEKCreated.self), EventKind(SlotAdded.self), EventKind(VaultUnsealed.self),
      EventKind(VaultSealed.self),
    ])
}
