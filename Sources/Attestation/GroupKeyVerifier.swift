public import MusterModel

/// Appraises a token by a key derived from a group's: that it is good proves the registration ID, for nobody else has
/// its key. Compared in constant time, with each of the group's keys.
public struct GroupKeyVerifier: Sendable {
  /// The group as it is on record, and what the token's signature is under each of its keys.
  public struct Reference: Sendable, Hashable {
    public let group: RecordID
    public let signatures: [RecordID: Digest]
    /// How far ahead of now a token may end.
    public let longest: Duration

    public init(group: RecordID, signatures: [RecordID: Digest], longest: Duration) {
      self.group = group
      self.signatures = signatures
      self.longest = longest
    }
  }

  public init() {}

  public func appraise(
    _ evidence: GroupKeyEvidence, against reference: Reference, claimed: [HardwareID] = [], at now: Timestamp
  ) -> Result<AttestationResult, AttestationRefusal> {
    Result { () throws(AttestationRefusal) in
      let keys = reference.signatures.filter { constantTimeEqual($0.value, evidence.signature) }.map(\.key)
      guard let key = keys.first else { throw .tokenWrong }
      guard now < evidence.expires else { throw .tokenExpired(at: evidence.expires) }
      guard evidence.expires <= now + reference.longest else { throw .tokenLifetime(evidence.expires) }
      return try AttestationResult(
        [.init(evidence.registration, .proved)], claimed: claimed, .groupKey(group: reference.group, key: key))
    }
  }
}
