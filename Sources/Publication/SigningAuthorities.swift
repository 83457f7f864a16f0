public import CertificateAuthority

/// Who signs now. While the vault is sealed, nobody.
public protocol SigningAuthorities: Sendable {
  /// The issuing CAs whose CRLs are signed here; never the root, whose key is offline.
  var issuers: [Issuer] { get }
  /// Their OCSP responders; fewer than the issuers where one has no certificate yet.
  var responders: [OCSPResponder] { get }
}
