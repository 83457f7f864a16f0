public import MusterModel

/// Certificates of TPM makers are trusted from here on: of them the self-issued ones are anchors. Their DER is attached.
public struct TPMMakersImported: EventBody {
  public static let kind = "tpm-makers-imported"
  /// The most of one event: a line holds no more.
  public static let limit = 64

  /// SHA-256 of each DER.
  public let certificates: [Digest]

  public init(certificates: [Digest]) { self.certificates = certificates }
}

/// Certificates of TPM makers are trusted no more.
public struct TPMMakersRemoved: EventBody {
  public static let kind = "tpm-makers-removed"

  /// SHA-256 of each DER.
  public let certificates: [Digest]

  public init(certificates: [Digest]) { self.certificates = certificates }
}
