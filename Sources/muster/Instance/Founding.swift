import CertificateAuthority
import Crypto
import Enrollment
import Foundation
import KeyVault
import Ledger
import MusterModel
import Policy
import SQLiteStore

/// What `init` was asked for, checked.
struct FoundingPlan: Sendable {
  var organization: String?
  var trustDomain: TrustDomain
  var hostnames: [String]
  var publishURL: String
  /// nil for the file slot, or the slot of `keeper`.
  var passphrase: SecretBytes?
  var keepers = KeyKeepers.none
  /// Which of them has the first slot.
  var keeper: SlotKind?
  var caKeys = CAKeys.sealed
}

/// Where the issuing CAs' keys live.
enum CAKeys: String, Sendable, CaseIterable {
  /// In this process's memory, and sealed on disk.
  case sealed
  case pkcs11, tpm

  /// Under which what finds them is kept.
  var purpose: String {
    switch self {
    case .sealed: VaultSecret.signingKey
    case .pkcs11: VaultSecret.pkcs11SigningKey
    case .tpm: VaultSecret.tpmSigningKey
    }
  }
}

/// Makes an instance: the hierarchy, the vault's root, the ledger's first events, the first administrator. All of it is
/// made in a folder beside the one that was asked for and renamed when it is whole, so that a crash leaves no half.
struct Founding {
  let plan: FoundingPlan
  let rules: Rules
  let clock: any WallClock

  private var now: Timestamp { clock.now() }

  /// The recovery code, to be shown once.
  func found(at path: String) async throws -> RecoveryCode {
    let target = InstanceFolder(path)
    guard !target.exists else { throw CommandFailure("expected a folder without an instance, found one at \(path)") }
    let temporary = InstanceFolder("\(target.path).\(getpid()).new")
    try makeFolders(temporary)
    let made = KeptForFounding(plan: plan)
    let code: RecoveryCode
    do {
      code = try await fill(temporary, made)
      guard rename(temporary.path, target.path) == 0 else {
        throw CommandFailure("expected an empty folder or none at \(path), found: \(String(cString: strerror(errno)))")
      }
    } catch {
      made.forget()
      try? FileManager.default.removeItem(atPath: temporary.path)
      throw error
    }
    try syncFolder(URL(fileURLWithPath: target.path).deletingLastPathComponent().path)
    return code
  }

  private func makeFolders(_ folder: InstanceFolder) throws {
    try makeFolder(URL(fileURLWithPath: folder.path).deletingLastPathComponent().path, mode: 0o755)
    // Made by us or not at all: a folder that was there before could be another's, who would see the keys come.
    guard mkdir(folder.path, 0o700) == 0 else {
      throw CommandFailure("expected to make the folder \(folder.path), found: \(String(cString: strerror(errno)))")
    }
    for (name, mode) in InstanceFolder.folders { try makeFolder(folder.path + "/" + name, mode: mode) }
  }

  private func makeFolder(_ path: String, mode: Int) throws {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
    } catch {
      throw CommandFailure("expected to make the folder \(path), found: \(error.localizedDescription)")
    }
  }

  private func fill(_ folder: InstanceFolder, _ made: KeptForFounding) async throws -> RecoveryCode {
    for (name, bytes) in rules.files { try writeFile("\(folder.path)/\(name)", bytes, mode: 0o644) }
    guard let points = PublicationPoints(trustDomain: plan.trustDomain, publishURL: plan.publishURL) else {
      throw CommandFailure("expected --publish-url as \(PublicationPoints.rule), found \(plan.publishURL)", status: 2)
    }
    let instanceName = Crockford.encode(UUIDv7(at: now).bytes, letterCase: .lower)
    guard let origin = LedgerOrigin(trustDomain: plan.trustDomain, instance: instanceName, epoch: 0) else {
      throw CommandFailure("expected a trust domain (\(TrustDomain.rule)), found \(plan.trustDomain)", status: 2)
    }
    let ledgerKey = Curve25519.Signing.PrivateKey()
    let signer = CheckpointSigner(origin: origin, key: ledgerKey)
    try folder.write(.ledgerKey, ledgerKey.rawRepresentation, isSecret: true)
    try folder.write(.ledgerVerifier, Array((signer.verifier.key + "\n").utf8))

    try plan.keepers.write(to: folder)
    let vault = try FoundingVault(plan, made)
    if let key = vault.fileKey { try key.withUnsafeBytes { try folder.write(.vaultKey, Array($0), isSecret: true) } }
    let hierarchy = try Hierarchy.make(organization: plan.organization, points: points, now: now) { _ in
      try made.issuingKey()
    }
    try folder.write(.root, PEM.certificate(hierarchy.root.issuer.certificate).utf8)
    let chain = [hierarchy.devices, hierarchy.service].map { PEM.certificate($0.issuer.certificate) }.joined()
    try folder.write(.chain, chain.utf8)
    let sealedRoot = try OfflineRoot.seal(hierarchy.root.secret, under: vault.code)
    try folder.write(.offlineRoot, sealedRoot, isSecret: true)

    let store = try FolderStore(folder.data, .create, signer: signer)
    do {
      try await record(hierarchy, vault, origin, in: folder, store)
      await store.close()
    } catch {
      await store.close()
      throw error
    }
    return vault.code
  }

  /// The first unit of work, and the administrator's by the ordinary way.
  private func record(
    _ hierarchy: Hierarchy, _ vault: FoundingVault, _ origin: LedgerOrigin, in folder: InstanceFolder,
    _ store: FolderStore
  ) async throws {
    let authorities = Authorities(
      profiles: rules.profiles, blockedKeys: rules.blockedKeys, weakFirmware: rules.weakFirmware,
      root: hierarchy.root.issuer.certificate, issued: [:])
    authorities.unseal([hierarchy.devices.issuer, hierarchy.service.issuer], responders: [:])
    let own = OwnCertificates(authorities: authorities, policies: rules.policies, vault: vault.vault, clock: clock)
    let server = try await own.server(hostnames: plan.hostnames, by: .folder)
    let responders = [
      try await own.responder(of: hierarchy.devices.issuer, by: .folder),
      try await own.responder(of: hierarchy.service.issuer, by: .folder),
    ]
    var unit = try firstUnit(hierarchy, vault, origin, try await rootCRL(hierarchy))
    for certificate in [server.certificate] + responders.map(\.certificate) {
      unit.events.append(try own.event(of: certificate, at: now, by: .folder))
    }
    unit.secrets += responders.map(\.secret)
    guard case .committed = try await store.commit(unit) else {
      throw CommandFailure("expected to record the first events, found the store refusing them")
    }
    try folder.write(.serverCredential, server.credential(issuer: hierarchy.service.issuer.certificate), isSecret: true)

    let readers = store
    let instance = Instance(
      store: store, facts: readers, listings: readers, ledger: readers, vault: vault.vault, policies: rules.policies,
      authorities: authorities, clock: clock, epoch: 0)
    try await addOperator("admin", role: .administrator, groups: [], instance, to: folder.path(of: .administrator))
  }

  private func rootCRL(_ hierarchy: Hierarchy) async throws -> RevocationList {
    try await RevocationList.sign(
      by: hierarchy.root.issuer, shard: nil, number: 1, thisUpdate: now, nextUpdate: now + RootListRenewal.lifetime,
      revoked: [])
  }

  private func firstUnit(
    _ hierarchy: Hierarchy, _ vault: FoundingVault, _ origin: LedgerOrigin, _ rootCRL: RevocationList
  ) throws -> UnitOfWork {
    let at = now
    var events = [
      try Event(
        at: at, by: .folder, on: [.instance],
        InstanceCreated(
          origin: "\(plan.trustDomain)/muster/\(origin.instance)", epoch: origin.epoch, trustDomain: plan.trustDomain,
          publishURL: plan.publishURL),
        details: .init(organization: plan.organization, hostnames: plan.hostnames)),
      try Event(at: at, by: .folder, on: [.policies], rules.activated, attachments: rules.attachments),
    ]
    var secrets: [SealedSecret] = []
    for authority in [hierarchy.root, hierarchy.devices, hierarchy.service] {
      let key = authority.use == .root ? nil : RecordID(.key, UUIDv7(at: at))
      events.append(
        try Event(
          at: at, by: .folder, on: [.instance], authority.added(key: key),
          attachments: [Attachment(authority.issuer.certificate)]))
      guard let key else { continue }
      secrets.append(
        try vault.vault.seal(authority.secret, owner: key, purpose: plan.caKeys.purpose, version: 1))
    }
    events += try vault.events(at: at)
    events.append(
      try Event(at: at, by: .folder, on: [.instance], rootCRL.published, attachments: [Attachment(rootCRL.der)]))
    return UnitOfWork(events: events, secrets: secrets + vault.secrets(at: at))
  }
}
