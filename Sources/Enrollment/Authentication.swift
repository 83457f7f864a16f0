public import MusterModel
public import Policy

/// Who is behind a client certificate. Asked at each request: a revoked certificate and a removed operator are shut out
/// at once, whatever the connection or the TLS session is.
public struct Authentication: Sendable {
  private let instance: Instance

  public init(_ instance: Instance) { self.instance = instance }

  public enum Finding: Sendable {
    /// With the versions of the certificate and of its holder's record: what the caller does is stale once either changed.
    case known(Principal, reads: ReadSet)
    /// A certificate of ours that is no longer good, or whose holder is no longer.
    case refused(Refusal)
    /// Not a certificate of this instance: a maker's, perhaps.
    case foreign
  }

  /// `leaf` is the DER with which the peer authenticated TLS. That it is on record, to the byte, is stronger than any
  /// path to our CA: what was issued and never committed is nobody. Of a device in a rollover of certificates it is on
  /// record before the answer which of them it shows.
  public func identify(leaf: [UInt8]) async throws -> Finding {
    for _ in 0...Instance.attempts {
      guard let identity = try await instance.facts.identity(fingerprint: .sha256(leaf)) else { return .foreign }
      let finding = finding(identity)
      guard case .known(.device, _) = finding, case .device(let device) = identity.subject,
        let proof = try identity.proof(of: device, at: instance.clock.now())
      else { return finding }
      // Recorded, the device's record is another; stale, something else happened to it: what is so now is read again.
      _ = try await instance.store.commit(proof)
    }
    return .refused(.contended)
  }

  private func finding(_ identity: IdentityFacts) -> Finding {
    if let refusal = identity.certificate.refusal(at: instance.clock.now()) { return .refused(refusal) }
    let certificate = identity.certificate.record
    let reads = identity.reads
    switch identity.subject {
    case .device(let device):
      guard device.state == .enabled else {
        return .refused(Refusal(device.state == .retired ? .deviceRetired(device.id) : .deviceDisabled(device.id)))
      }
      return .known(.device(device.record, device.id, certificate: certificate), reads: reads)
    case .operator(let found):
      guard !found.isRemoved else { return .refused(.removed("operator", found.name)) }
      return .known(
        .operator(
          found.record, name: found.name, role: found.role, groups: found.groups, certificate: certificate),
        reads: reads)
    case .hub(let hub):
      guard !hub.isRemoved else { return .refused(.removed("hub", hub.name)) }
      return .known(.hub(hub.record, name: hub.name, groups: hub.groups, certificate: certificate), reads: reads)
    }
  }
}

extension IdentityFacts {
  fileprivate var reads: ReadSet {
    let (holder, version) =
      switch subject {
      case .device(let device): (device.record, device.version)
      case .operator(let found): (found.record, found.version)
      case .hub(let hub): (hub.record, hub.version)
      }
    return ReadSet([.record(certificate.record): certificate.version, .record(holder): version])
  }
}

extension CertificateSnapshot {
  /// Why it does not authenticate its holder at this time.
  func refusal(at time: Timestamp) -> Refusal? {
    switch status {
    case .held: return Refusal(.certificateHeld)
    case .revoked: return Refusal(.certificateRevoked)
    case .good: break
    }
    if time < notBefore { return Refusal(.notYetValid) }
    return time < min(notAfter, overlapUntil ?? notAfter) ? nil : Refusal(.expired)
  }
}

extension Refusal {
  /// Who asked is no longer who was authenticated: removed, or the certificate revoked, while the request was under way.
  public static let identityChanged = Refusal(
    .unauthenticated, "identity-changed", "expected a caller still in office at the commit, found the record changed")

  static func removed(_ what: String, _ name: RecordName) -> Refusal {
    Refusal(.unauthenticated, "\(what)-removed", "expected \(what) \(name) in office, found it removed")
  }
}
