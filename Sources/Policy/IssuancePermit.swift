public import MusterModel

/// The right to issue one certificate: it exists only after policy said yes, and the certificate authority holds each
/// certificate to it. Its initialiser is internal, so that a step that is skipped does not compile.
public struct IssuancePermit: Sendable, Hashable {
  public enum Subject: Sendable, Hashable {
    case device(RecordID, DeviceID)
    case `operator`(RecordID, RecordName)
    case hub(RecordID, RecordName, host: String)
    /// The service's own TLS certificate.
    case server(hostnames: [String])
    /// An issuing CA's delegated OCSP responder (RFC 6960 §4.2.2.2).
    case ocspResponder
  }

  public let subject: Subject
  /// The name of the profile that says what the certificate holds.
  public let profile: String
  public let decidedBy: PolicyReference
  /// What the decision was made from; it goes into the unit of work as it is.
  public let reads: ReadSet

  init(subject: Subject, profile: String, decidedBy: PolicyReference, reads: ReadSet) {
    self.subject = subject
    self.profile = profile
    self.decidedBy = decidedBy
    self.reads = reads
  }
}
