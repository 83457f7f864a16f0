public import Attestation
public import MusterModel

/// A certificate of a TPM maker that is trusted.
public struct MakerSummary: Codable, Sendable, Hashable {
  public enum Use: String, Codable, Sendable, CaseIterable {
    /// Self-issued: trusted by itself.
    case anchor
    /// It helps to build the path to one.
    case path
  }

  /// SHA-256 of the DER, hex.
  public let sha256: String
  /// The subject's common name.
  public let name: String
  public let use: Use
  public let notAfter: Timestamp
  /// nil where it is only now imported.
  public let imported: Timestamp?

  public init(_ issuer: MakerIssuer, imported: Timestamp?) {
    sha256 = issuer.digest.hex
    name = issuer.name
    use = issuer.isAnchor ? .anchor : .path
    notAfter = issuer.notAfter
    self.imported = imported
  }
}

/// What came of one certificate of an import: it is trusted now, or why not.
public struct MakerResult: Codable, Sendable, Hashable {
  /// SHA-256 of the DER, hex.
  public let sha256: String
  /// nil where it was refused.
  public let certificate: MakerSummary?
  public let code: String?
  public let reason: String?
}
