/// What a certificate of one kind holds. Read from a file of `PKI/profiles`; only `ProfileSet` makes one.
public struct Profile: Sendable, Hashable {
  /// Whom the certificate names. The subject's common name follows from it.
  public enum Subject: String, Sendable, CaseIterable {
    case device, hub, server
    case `operator`
    case ocspResponder = "ocsp-responder"
  }

  /// What stands in the subject alternative name.
  public enum AlternativeName: String, Sendable, CaseIterable {
    /// `spiffe://<trust domain>/<device, operator or hub>/<ID>`.
    case spiffeID = "spiffe-id"
    /// `<serial in hex>.cert.<trust domain>`.
    case certificateName = "certificate-name"
    /// The hub's or the server's own.
    case hostNames = "host-names"
  }

  /// RFC 5280 §4.2.1.3, in the order of its bits.
  public enum KeyUsage: String, Sendable, CaseIterable {
    case digitalSignature = "digital-signature"
    case keyEncipherment = "key-encipherment"
    case keyAgreement = "key-agreement"

    var bit: Int {
      switch self {
      case .digitalSignature: 0
      case .keyEncipherment: 2
      case .keyAgreement: 4
      }
    }
  }

  /// RFC 5280 §4.2.1.12.
  public enum Purpose: String, Sendable, CaseIterable {
    case clientAuth = "client-auth"
    case serverAuth = "server-auth"
    case ocspSigning = "ocsp-signing"

    var objectIdentifier: [UInt8] {
      switch self {
      case .clientAuth: OID.clientAuth
      case .serverAuth: OID.serverAuth
      case .ocspSigning: OID.ocspSigning
      }
    }
  }

  /// Which addresses the certificate names.
  public enum Address: String, Sendable, CaseIterable { case crl, ocsp, issuer }

  /// What happens to what a request asks for beyond its permit. It is never honoured.
  public enum Excess: String, Sendable, CaseIterable { case ignore, refuse }

  public let name: String
  public let subject: Subject
  public let issuers: Set<IssuerUse>
  public let alternativeNames: [AlternativeName]
  public let keyUsage: [KeyUsage]
  public let purposes: [Purpose]
  public let keyAlgorithms: Set<KeyAlgorithm>
  /// From now to `notAfter`.
  public let validity: Duration
  /// From `notBefore` to now: devices' clocks are late.
  public let backdating: Duration
  /// How long the old certificate stays valid after a renewal.
  public let overlap: Duration
  public let addresses: Set<Address>
  public let excess: Excess
}
