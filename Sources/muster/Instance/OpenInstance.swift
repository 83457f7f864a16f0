import CertificateAuthority
import Crypto
import Enrollment
import Foundation
import KeyVault
import Ledger
import MusterModel
import Policy
import SQLiteStore

/// An instance whose folder this process holds, with all that the use cases need.
struct OpenInstance: Sendable {
  let folder: InstanceFolder
  let store: FolderStore
  /// The store as its readers.
  var readers: FolderStore { store }
  let rules: Rules
  let record: InstanceRecord
  let points: PublicationPoints
  let rootKeyID: String
  let instance: Instance
  let keepers: KeyKeepers
  let vault: VaultAdministration
  let unsealing: OwnUnsealing

  /// Takes the folder, checks what is in it, records the policies where they changed, and unseals the vault where it
  /// holds or names its own key; not by the slot `spared`.
  static func open(
    _ path: String, sparing spared: UInt32? = nil, clock: any WallClock = SystemClock()
  ) async throws -> OpenInstance {
    let folder = InstanceFolder(path)
    guard folder.exists else {
      throw CommandFailure("expected an instance in \(path), found none; make one: muster init --data \(path)")
    }
    let rules = try Rules(folder)
    let store: FolderStore
    do {
      store = try FolderStore(folder.data, .existing, signer: try signer(folder))
    } catch {
      throw CommandFailure("\(error)" + nextStep(after: error))
    }
    do {
      let opened = try await OpenInstance(folder, store, rules, clock)
      try await opened.activateRules()
      try await opened.unsealing.attempt(by: opened.vault, sparing: spared)
      return opened
    } catch {
      await store.close()
      throw error
    }
  }

  /// Opens, runs `body`, and lets go of the folder.
  static func with<Value>(
    _ path: String, sparing spared: UInt32? = nil, _ body: (OpenInstance) async throws -> Value
  ) async throws -> Value {
    let opened = try await open(path, sparing: spared)
    do {
      let value = try await body(opened)
      await opened.store.close()
      return value
    } catch {
      await opened.store.close()
      throw error
    }
  }

  private init(_ folder: InstanceFolder, _ store: FolderStore, _ rules: Rules, _ clock: any WallClock) async throws {
    let readers = store
    guard let record = try await readers.instance() else {
      throw CommandFailure("expected a ledger that begins with its instance, found another")
    }
    guard let points = PublicationPoints(trustDomain: record.trustDomain, publishURL: record.publishURL) else {
      throw CommandFailure("expected a publish URL, found \(record.publishURL)")
    }
    let issuers = try await readers.issuers()
    guard let root = issuers.first(where: { $0.use == .root }) else {
      throw CommandFailure("expected a root CA in the ledger, found none")
    }
    self.folder = folder
    self.store = store
    self.rules = rules
    self.record = record
    self.points = points
    rootKeyID = root.keyID
    let ownKeys = try issuers.map { try publicKeyDigest($0.der) }
    let authorities = Authorities(
      profiles: rules.profiles, blockedKeys: rules.blockedKeys.adding(ownKeys), weakFirmware: rules.weakFirmware,
      root: root.der,
      issued: Dictionary(uniqueKeysWithValues: issuers.map { ($0.keyID, $0.issued) }))
    instance = Instance(
      store: store, facts: readers, listings: readers, ledger: readers, vault: Vault(), policies: rules.policies,
      authorities: authorities, clock: clock, epoch: record.epoch)
    let keepers = try KeyKeepers(folder)
    self.keepers = keepers
    unsealing = OwnUnsealing(folder, keepers, instance)
    vault = VaultAdministration(
      instance, reader: readers, points: points, keptSigner: keepers.signer, own: unsealing)
  }

  /// The instance with another way to its store: one that wakes who must know.
  func instance(committingTo store: any Store) -> Instance {
    Instance(
      store: store, facts: readers, listings: readers, ledger: readers, vault: instance.vault,
      policies: instance.policies, authorities: instance.authorities, clock: instance.clock, epoch: instance.epoch,
      refusals: instance.refusals)
  }

  /// The key that signs checkpoints, and the origin that its verifier names.
  private static func signer(_ folder: InstanceFolder) throws -> CheckpointSigner {
    let key = try folder.readSecret(.ledgerKey).withUnsafeBytes {
      try Curve25519.Signing.PrivateKey(rawRepresentation: $0)
    }
    let signer = CheckpointSigner(origin: try verifier(folder).origin, key: key)
    guard signer.verifier.key == (try verifier(folder).key) else {
      throw CommandFailure("expected the ledger key of trust/ledger.vkey in service/ledger.key, found another")
    }
    return signer
  }

  static func verifier(_ folder: InstanceFolder) throws -> CheckpointVerifier {
    let text = String(decoding: try folder.read(.ledgerVerifier), as: UTF8.self)
    return try CheckpointVerifier(key: text.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// What the files say now is what decides from here on: on record before anything is decided by it.
  private func activateRules() async throws {
    guard try await readers.policiesInForce() != rules.activated.files else { return }
    let event = try Event(
      at: instance.clock.now(), by: .folder, on: [.policies], rules.activated, attachments: rules.attachments)
    guard case .committed = try await store.commit(UnitOfWork(events: [event])) else {
      throw CommandFailure("expected to record the policies in force, found the store refusing them")
    }
  }
}

/// What the operator can do about a folder that does not open.
private func nextStep(after error: any Error) -> String {
  switch error as? StoreError {
  case .folderInUse: "; stop it first, or ask the running service"
  case .newerSchema, .unknownKinds: "; install that version, or a newer one"
  case .shorterThanNoted, .otherThanNoted: "; put back the whole folder as it was last"
  case .foreignDatabase: "; name the folder that muster init made"
  default: ""
  }
}
