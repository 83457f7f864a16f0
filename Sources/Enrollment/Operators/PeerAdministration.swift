import CertificateAuthority
import DeviceRegistry
import Foundation
import KeyVault
public import MusterModel
import Policy

// Operators and hubs: who they are, and the certificates they authenticate with.

extension Administration {
  /// Adds an operator and issues the certificate for the key of the request, in one unit of work. An operator who was
  /// removed can be added anew under the same name, as another record.
  public func addOperator(_ input: OperatorInput, csr: [UInt8], by caller: Caller) async throws -> Outcome<PeerAdded> {
    let (name, groupNames): (RecordName, [RecordName])
    do throws(Refusal) {
      name = try parse(name: input.name)
      groupNames = try parse(groups: input.groups)
    } catch {
      return .refused(error)
    }
    guard let role = Role(rawValue: input.role), role != .hub else {
      let roles = Role.allCases.filter { $0 != .hub }.map(\.rawValue).joined(separator: ", ")
      return .refused(Refusal(.invalid, "role-malformed", "expected a role of \(roles), found \(excerpt(input.role))"))
    }
    return try await add(csr, groupNames, .operatorAdd, by: caller, { $0.operatorName = name }) {
      facts, grant, actor, now, groups in
      if let found = facts.operator, !found.isRemoved { return .failure(.nameTaken("operator", name)) }
      let record = RecordID(.operator, UUIDv7(at: now))
      let event = try Event(
        at: now, by: actor, on: [.record(record)], policy: grant.decidedBy,
        OperatorAdded(operator: record, role: role, groups: groups), details: .init(name: name))
      let permit = instance.policies.permitOperator(record, name: name, by: grant, reads: facts.reads)
      return permit.map { Newcomer(record: record, event: event, claim: .operatorName(name), permit: $0) }
        .mapError { Refusal(.forbidden, $0.code, $0.description) }
    }
  }

  public func addHub(_ input: HubInput, csr: [UInt8], by caller: Caller) async throws -> Outcome<PeerAdded> {
    let (name, groupNames): (RecordName, [RecordName])
    let sealKey: SealKey?
    do throws(Refusal) {
      name = try parse(name: input.name)
      groupNames = try parse(groups: input.groups)
      guard isHost(input.host) else { throw .malformed("host", "a DNS name or an address of at most 253 characters") }
      sealKey = try parse(sealKey: input.sealKey)
    } catch {
      return .refused(error)
    }
    return try await add(csr, groupNames, .hubAdd, by: caller, { $0.hubName = name }) {
      facts, grant, actor, now, groups in
      if let found = facts.hub, !found.isRemoved { return .failure(.nameTaken("hub", name)) }
      let record = RecordID(.hub, UUIDv7(at: now))
      let event = try Event(
        at: now, by: actor, on: [.record(record)], policy: grant.decidedBy, HubAdded(hub: record, groups: groups),
        details: .init(name: name, host: input.host))
      let permit = instance.policies.permitHub(record, name: name, host: input.host, by: grant, reads: facts.reads)
      let more = try sealKey.map { [try sealed(record, to: $0, by: actor, grant, at: now)] } ?? []
      return permit.map { Newcomer(record: record, event: event, more: more, claim: .hubName(name), permit: $0) }
        .mapError { Refusal(.forbidden, $0.code, $0.description) }
    }
  }

  /// Removes an operator: its certificate opens nothing from the commit on.
  public func removeOperator(_ name: String, by caller: Caller) async throws -> Outcome<RecordID> {
    var query = FactsQuery()
    do throws(Refusal) { query.operatorName = try parse(name: name) } catch { return .refused(error) }
    return try await change(.operatorRemove, by: caller, asking: query) { facts, grant, actor, now in
      guard let found = facts.operator, !found.isRemoved else {
        return .refused(Refusal(.notFound, "operator-unknown", "expected an operator of that name, found none"))
      }
      var reads = ReadSet()
      reads.saw(.record(found.record), version: found.version)
      let event = try Event(
        at: now, by: actor, on: [.record(found.record)], policy: grant.decidedBy,
        OperatorRemoved(operator: found.record))
      return .commit(UnitOfWork(reads: reads, events: [event]), found.record)
    }
  }

  public func removeHub(_ name: String, by caller: Caller) async throws -> Outcome<RecordID> {
    var query = FactsQuery()
    do throws(Refusal) { query.hubName = try parse(name: name) } catch { return .refused(error) }
    return try await change(.hubRemove, by: caller, asking: query) { facts, grant, actor, now in
      guard let found = facts.hub, !found.isRemoved else { return .refused(.hubUnknown) }
      var reads = ReadSet()
      reads.saw(.record(found.record), version: found.version)
      let event = try Event(
        at: now, by: actor, on: [.record(found.record)], policy: grant.decidedBy, HubRemoved(hub: found.record))
      return .commit(UnitOfWork(reads: reads, events: [event]), found.record)
    }
  }
}

// MARK: - What its devices' keys are sealed to

extension Administration {
  /// In place of the one before. It is the operator's to say, and not the hub's own: whoever stole a hub's certificate reads no
  /// key by it.
  public func setSealKey(
    ofHub name: String, _ input: SealKeyInput, by caller: Caller
  ) async throws -> Outcome<RegisteredSealKey> {
    var query = FactsQuery()
    let key: SealKey
    do throws(Refusal) {
      query.hubName = try parse(name: name)
      guard let parsed = try parse(sealKey: input.sealKey) else { throw .sealKeyMalformed }
      key = parsed
    } catch {
      return .refused(error)
    }
    return try await change(.hubSealKey, by: caller, asking: query) { facts, grant, actor, now in
      guard let found = facts.hub, !found.isRemoved else { return .refused(.hubUnknown) }
      var reads = ReadSet()
      reads.saw(.record(found.record), version: found.version)
      let event = try sealed(found.record, to: key, by: actor, grant, at: now)
      return .commit(
        UnitOfWork(reads: reads, events: [event]), RegisteredSealKey(hub: found.record, sealKey: key.digest.hex))
    }
  }

  private func sealed(
    _ hub: RecordID, to key: SealKey, by actor: Actor, _ grant: AccessGrant, at time: Timestamp
  ) throws -> Event {
    try Event(
      at: time, by: actor, on: [.sealKey(ofHub: hub)], policy: grant.decidedBy,
      HubSealKeySet(hub: hub, publicKey: key.der))
  }
}

/// A peer that was added, with its certificate.
public struct PeerAdded: Codable, Sendable, Hashable {
  public let record: RecordID
  public let certificate: RecordID
  /// DER: the certificate, its issuer's.
  public let chain: [[UInt8]]
}

/// An operator or hub about to be, before its certificate.
private struct Newcomer: Sendable {
  let record: RecordID
  let event: Event
  var more: [Event] = []
  let claim: UniqueName
  let permit: IssuancePermit
}

extension Administration {
  /// What adding an operator and adding a hub share: the request is verified, the newcomer is decided, the certificate
  /// issued, all in one unit of work.
  private func add(
    _ csr: [UInt8], _ groupNames: [RecordName], _ operation: Policy.Operation, by caller: Caller,
    _ name: (inout FactsQuery) -> Void,
    newcomer: @Sendable @escaping (Facts, AccessGrant, Actor, Timestamp, [RecordID]) throws -> Result<Newcomer, Refusal>
  ) async throws -> Outcome<PeerAdded> {
    let verified: VerifiedRequest
    switch CertificateRequest.verify(csr, blocked: instance.authorities.blockedKeys) {
    case .success(let sound): verified = sound
    case .failure(let refusal): return .refused(Refusal(refusal))
    }
    var query = FactsQuery()
    name(&query)
    query.groupNames = groupNames
    query.publicKey = verified.publicKey
    return try await change(operation, by: caller, asking: query, group: { _ in nil }) { facts, grant, actor, now in
      let groups = facts.groups.filter { !$0.isRemoved }
      guard groups.count == Set(groupNames.map(\.folded)).count else { return .refused(Refusal(.groupUnknown)) }
      guard facts.publicKeyOwner == nil else { return .refused(.keyTaken) }
      switch try newcomer(facts, grant, actor, now, groups.map(\.record)) {
      case .failure(let refusal): return .refused(refusal)
      case .success(let newcomer):
        let decision = DecisionRecord(
          principal: caller.principal, operation: operation, group: nil, request: verified.digest)
        return try await welcome(newcomer, verified, decision, actor, now)
      }
    }
  }

  private func welcome(
    _ newcomer: Newcomer, _ verified: VerifiedRequest, _ decision: DecisionRecord, _ actor: Actor, _ now: Timestamp
  ) async throws -> Change<PeerAdded> {
    guard let issuer = instance.authorities.issuer(for: .service) else { return .refused(.sealed) }
    let issued: IssuedCertificate
    switch try await instance.authorities.issue(newcomer.permit, to: verified, from: .service, at: now) {
    case .refused(let refusal): return .refused(refusal)
    case .done(let certificate): issued = certificate
    }
    let event = try Event(
      at: now, by: actor, on: [.record(issued.facts.certificate)], policy: newcomer.permit.decidedBy,
      CertificateIssued(issued: issued.facts), details: .init(source: nil, decision: decision.text()),
      attachments: issued.attachments)
    let unit = UnitOfWork(
      reads: newcomer.permit.reads,
      claims: [newcomer.claim, issued.serialClaim, .publicKey(verified.publicKey, of: newcomer.record)],
      events: [newcomer.event] + newcomer.more + [event])
    return .commit(
      unit,
      PeerAdded(
        record: newcomer.record, certificate: issued.facts.certificate, chain: [issued.der, issuer.certificate]))
  }
}

extension Refusal {
  static let sealKeyMalformed = Refusal.malformed("seal-key", "a P-256 public key in PEM")

  static func nameTaken(_ what: String, _ name: RecordName) -> Refusal {
    Refusal(.conflict, "\(what)-name-taken", "expected a name that is free, found \(what) \(name)")
  }
}

/// Says nothing of the text: it might be a private key.
private func parse(sealKey: String?) throws(Refusal) -> SealKey? {
  guard let sealKey else { return nil }
  guard let key = SealKey(pem: sealKey) else { throw .sealKeyMalformed }
  return key
}

private func parse(groups: [String]?) throws(Refusal) -> [RecordName] {
  guard (groups?.count ?? 0) <= 64 else { throw .malformed("groups", "at most 64 groups") }
  var names: [RecordName] = []
  for group in groups ?? [] { names.append(try parse(name: group)) }
  return names
}

private func isHost(_ text: String) -> Bool {
  (1...253).contains(text.utf8.count)
    && text.utf8.allSatisfy { character in
      switch character {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"):
        true
      default: false
      }
    }
}
