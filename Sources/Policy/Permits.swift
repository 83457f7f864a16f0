public import MusterModel

/// Whose word suffices for the service's own certificates: nobody asked for them over the network.
public enum OwnAuthority: String, Sendable, Hashable {
  /// Whoever holds the data folder and its lock, as `muster init` does.
  case folder
  case service
}

/// Permits for certificates that no device asked for.
extension Policies {
  /// A certificate for an operator. The grant is of `operator.add`.
  public func permitOperator(
    _ id: RecordID, name: RecordName, by grant: AccessGrant, reads: ReadSet = ReadSet()
  ) -> Result<IssuancePermit, PermitRefusal> {
    permit(.operator(id, name), profile: enrollment.profiles.operator, for: .operatorAdd, by: grant, reads: reads)
  }

  /// A certificate for a hub. The grant is of `hub.add`.
  public func permitHub(
    _ id: RecordID, name: RecordName, host: String, by grant: AccessGrant, reads: ReadSet = ReadSet()
  ) -> Result<IssuancePermit, PermitRefusal> {
    permit(.hub(id, name, host: host), profile: enrollment.profiles.hub, for: .hubAdd, by: grant, reads: reads)
  }

  /// The next certificate of an operator or a hub, as whom it authenticated. The grant is of `identity.renew`; `host` is
  /// the hub's.
  public func permitRenewal(
    of peer: Principal, host: String?, by grant: AccessGrant, reads: ReadSet
  ) -> Result<IssuancePermit, PermitRefusal> {
    switch peer {
    case .operator(let id, let name, _, _, _):
      return permit(
        .operator(id, name), profile: enrollment.profiles.operator, for: .identityRenew, by: grant, reads: reads)
    case .hub(let id, let name, _, _):
      guard let host else { return .failure(.noPeer) }
      return permit(
        .hub(id, name, host: host), profile: enrollment.profiles.hub, for: .identityRenew, by: grant, reads: reads)
    case .device, .anonymous, .folder, .service: return .failure(.noPeer)
    }
  }

  /// The service's own TLS certificate.
  public func permitServer(
    hostnames: [String], by authority: OwnAuthority, reads: ReadSet = ReadSet()
  ) -> IssuancePermit {
    IssuancePermit(
      subject: .server(hostnames: hostnames), profile: enrollment.profiles.server,
      decidedBy: enrollment.reference("own, by the \(authority.rawValue)"), reads: reads)
  }

  /// The certificate of an issuing CA's OCSP responder.
  public func permitOCSPResponder(by authority: OwnAuthority, reads: ReadSet = ReadSet()) -> IssuancePermit {
    IssuancePermit(
      subject: .ocspResponder, profile: enrollment.profiles.ocspResponder,
      decidedBy: enrollment.reference("own, by the \(authority.rawValue)"), reads: reads)
  }

  private func permit(
    _ subject: IssuancePermit.Subject, profile: String, for operation: Operation, by grant: AccessGrant,
    reads: ReadSet
  ) -> Result<IssuancePermit, PermitRefusal> {
    guard grant.operation == operation else {
      return .failure(.otherOperation(expected: operation, found: grant.operation))
    }
    return .success(
      IssuancePermit(subject: subject, profile: profile, decidedBy: grant.decidedBy, reads: reads))
  }
}

/// A grant of one operation permits no other.
public enum PermitRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  case otherOperation(expected: Operation, found: Operation)
  /// Neither an operator nor a hub that is on record.
  case noPeer

  public var code: String { "not-allowed" }

  public var description: String {
    switch self {
    case .otherOperation(let expected, let found):
      "expected a grant of \(expected.rawValue), found one of \(found.rawValue)"
    case .noPeer: "expected an operator or a hub on record, found another"
    }
  }
}
