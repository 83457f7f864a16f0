import CertificateAuthority
import Enrollment
import KeyVault
import MusterModel
import SQLiteStore

/// Another issuing CA takes over, of devices or of the service and its peers, signed by the root's own key: it issues from the
/// next start on. The one before signs its CRLs and OCSP answers for as long as its certificates are about.
struct IssuerRotation {
  let opened: OpenInstance
  var use = IssuerUse.devices

  func rotate(sealedKey: [UInt8], code: RecoveryCode) async throws -> Issuer {
    let grant = try await opened.folderGrant(.caRotate)
    let root = try OpenedRoot(opened, sealedKey: sealedKey, code)
    try await unseal(code)
    let now = opened.instance.clock.now()
    let place = try await place()
    let key = try opened.keepers.issuingKey(place)
    let authority: Hierarchy.Authority
    do {
      authority = try Hierarchy.issuing(
        use, key, below: root.issuer, root.signer, organization: try root.organization, now: now)
      try await record(authority, place, grant.decidedBy, at: now)
    } catch {
      opened.keepers.forget(key, in: place)
      throw error
    }
    try await opened.writeChain()
    return authority.issuer
  }

  /// The new key is sealed as the others are; where the folder does not open the vault, the recovery code does.
  private func unseal(_ code: RecoveryCode) async throws {
    guard opened.instance.vault.isSealed else { return }
    if case .refused(let refusal) = try await opened.vault.unseal(.recoveryCode(code.text), by: .folder()) {
      throw CommandFailure("\(refusal.reason) (\(refusal.code))")
    }
  }

  /// Where the key of the CA that issues now is.
  private func place() async throws -> CAKeys {
    let current = try await opened.readers.issuers().last { $0.use == use }
    for place in CAKeys.allCases {
      let owners = try await opened.readers.secrets(purpose: place.purpose).map(\.owner)
      if let key = current?.key, owners.contains(key) { return place }
    }
    throw CommandFailure("expected the key of the issuing CA in the vault, found none")
  }

  private func record(
    _ authority: Hierarchy.Authority, _ place: CAKeys, _ policy: PolicyReference, at now: Timestamp
  ) async throws {
    let key = RecordID(.key, UUIDv7(at: now))
    let event = try Event(
      at: now, by: .folder, on: [.instance], policy: policy, authority.added(key: key),
      attachments: [Attachment(authority.issuer.certificate)])
    let secret = try opened.instance.vault.seal(authority.secret, owner: key, purpose: place.purpose, version: 1)
    guard case .committed = try await opened.store.commit(UnitOfWork(events: [event], secrets: [secret])) else {
      throw CommandFailure("expected to record the new issuing CA, found the store refusing it: try again")
    }
  }
}
