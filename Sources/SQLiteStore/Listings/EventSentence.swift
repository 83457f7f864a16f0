import Attestation
import CertificateAuthority
import DeviceRegistry
import KeyVault
import Ledger
import MusterModel

extension AnyRecorded {
  /// What happened, for a device's history, the word that matters first, for a table is cut; `erased` stands for what is gone.
  var sentence: String {
    switch body {
    case let body as any EnrollmentBody: sentence(body, details as? DeviceEnrolled.Details)
    case let body as BindingEnded: "binding of generation \(body.generation) ended: \(body.reason.rawValue)"
    case let body as DeviceStateChanged:
      body.state.rawValue + because(details as? DeviceStateChanged.Details, \.reason)
    case let body as HardwareListed:
      "\(shown((details as? HardwareListed.Details)?.hardware)) "
        + (body.listing == .none ? "taken off the lists" : body.listing.rawValue)
        + because(details as? HardwareListed.Details, \.reason)
    case let body as TicketIssued:
      "ticket\(body.isSwap ? " for a swap" : "") issued for \(shown((details as? TicketIssued.Details)?.hardware)), "
        + "until \(body.expires)"
    case let body as CertificateIssued: sentence(body)
    case let body as CertificateRevoked: "revoked, \(body.reason.rawValue): certificate \(body.serial)"
    case let body as CertificateReleased: "released from hold: certificate \(body.serial)"
    case let body as RequestRefused:
      "\(body.operation) refused: \(body.code), \(shown((details as? RequestRefused.Details)?.reason))"
    case let body as KeyAttested:
      "attested: a TPM holds the key, \(shown((details as? KeyAttested.Details)?.hardware)), by the \(body.endorsement)"
    case let body as DeviceKeysMade:
      "keys \(body.primary.version) and \(body.secondary.version) made for generation \(body.generation)"
    case is DeviceKeysDestroyed: "keys destroyed: their bytes are gone"
    case let body as DeviceTokenMade: "token made with key \(body.keyVersion), until \(body.expires)"
    case let body as DeviceKeysRead: "keys read by a hub, \(body.sealKey == nil ? "in plain" : "sealed")"
    case let body as DeviceKeysDelivered: "keys \(body.primary) and \(body.secondary) delivered again"
    case let body as RolloverKeyMade:
      "key \(body.key.version) made by a rollover, \(body.keeps.map { "beside key \($0)" } ?? "the others ended")"
    case is RolloverKeysProved: "another key proved in a rollover"
    case let body as RolloverKeyEnded: "key \(body.stays) alone from here on: \(body.cause.rawValue)"
    case is RolloverDevicesEntered: "in a rollover"
    case let body as RolloverCertificateProved:
      body.isLeaving ? "a certificate shown that is to leave" : "a certificate shown that is to stay"
    case let body as RolloverCertificatesEnded: "certificates that were to leave ended: \(body.cause.rawValue)"
    case is RolloverDevicesLeft: "out of the rollover: aborted"
    case is RolloverTokensRefused: "a token refused in a rollover"
    case let body as DeviceKeyFetched: "key \(body.version) fetched by the device, by its \(body.evidence.rawValue)"
    case is DeviceKeysConfirmed: "keys confirmed: nobody is handed them any more"
    default: kind
    }
  }

  private func sentence(_ body: any EnrollmentBody, _ details: DeviceEnrolled.Details?) -> String {
    let hardware = details.map { $0.hardware.map(\.description).joined(separator: ", ") }
    return "\(body.isNew ? "enrolled" : "taken over") on \(shown(hardware)) by \(body.evidence), "
      + "generation \(body.generation)"
  }

  private func sentence(_ body: CertificateIssued) -> String {
    "\(body.replaces == nil ? "issued" : "renewed"), until \(body.issued.notAfter): certificate \(body.issued.serial)"
  }

  private func shown(_ value: (some CustomStringConvertible)?) -> String { value?.description ?? "erased" }

  private func because<Details>(_ details: Details?, _ reason: KeyPath<Details, String?>) -> String {
    guard let details else { return ": erased" }
    return details[keyPath: reason].map { ": \($0)" } ?? ""
  }
}
