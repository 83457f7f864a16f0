import CertificateAuthority
import DeviceRegistry
import HubAccess
import KeyVault
import Ledger
import MusterModel

/// One page of a hub's feed, from one snapshot and the tree of a commit that it holds.
struct HubFeedReading {
  let snapshot: Snapshot
  let tree: MerkleTree
  let note: String

  func page(of credential: HubCredential, after place: LedgerPlace, limit: Int) throws -> FeedReading {
    guard try snapshot.isInOffice(credential) else { return .notInOffice }
    let stored = StoredTree(db: snapshot.db)
    let reader = TreeReader(tree: tree, fullTile: { try stored.fullTile($0) })
    guard place.size <= tree.size, try reader.root(at: place.size).hex == place.root else { return .rolledBack }
    let positions = try positions(of: credential.hub, from: place.size, limit: limit + 1)
    let end = positions.count > limit ? positions[limit - 1] + 1 : tree.size
    return .page(
      FeedPage(
        place: LedgerPlace(size: end, root: try reader.root(at: end)),
        changes: try positions.prefix(limit).map { try snapshot.change(at: $0) },
        continuation: try reader.consistencyProof(from: place.size, to: end),
        toCheckpoint: try reader.consistencyProof(from: end, to: tree.size), checkpoint: note))
  }

  private func positions(of hub: RecordID, from size: UInt64, limit: Int) throws(StoreError) -> [UInt64] {
    try snapshot.db.all(
      """
      SELECT position FROM hub_change
      WHERE hub = (SELECT id FROM hub WHERE record = ?) AND position >= ? AND position < ? ORDER BY position LIMIT ?
      """, hub, size, tree.size, limit
    ) { (row) throws(StoreError) in try row.position(0) }
  }
}

extension Snapshot {
  func isInOffice(_ credential: HubCredential) throws(StoreError) -> Bool {
    try db.exists(
      """
      SELECT 1 FROM hub JOIN certificate ON certificate.record = ?
      WHERE hub.record = ? AND removed_at IS NULL AND name IS NOT NULL AND revoked_at IS NULL
      """, credential.certificate, credential.hub)
  }

  /// The change that the event at a position of `hub_change` is.
  func change(at position: UInt64) throws(StoreError) -> HubChange {
    guard let line = try event(at: position) else { throw .damaged("no event at \(position)") }
    let event = try AnyRecorded(line, details: nil, at: position, .muster)
    let (device, fingerprint) = try subject(of: event)
    let subject = HubChange.Subject(
      position: position, at: event.origin.at, device: device,
      deviceID: try name(of: device).flatMap { DeviceID($0) }, fingerprint: fingerprint)
    guard let change = HubChange(event.body, of: subject) else {
      throw .damaged("an event of kind \(event.kind) in a hub's feed")
    }
    return change
  }

  private func subject(of event: AnyRecorded) throws(StoreError) -> (RecordID, Digest?) {
    switch event.body {
    case let body as any EnrollmentBody: return (body.device, nil)
    case let body as DeviceStateChanged: return (body.device, nil)
    case let body as DeviceKeysMade: return (body.device, nil)
    case let body as RolloverKeyMade: return (body.device, nil)
    case let body as RolloverKeyEnded: return (body.device, nil)
    case let body as CertificateRevoked: return try subject(ofCertificate: body.certificate)
    case let body as CertificateReleased: return try subject(ofCertificate: body.certificate)
    default: throw .damaged("an event of kind \(event.kind) in a hub's feed")
    }
  }

  private func subject(ofCertificate record: RecordID) throws(StoreError) -> (RecordID, Digest?) {
    let found = try db.first("SELECT subject, der FROM certificate WHERE record = ?", record) {
      (row) throws(StoreError) in (try row.record(0), try row.digest(1))
    }
    guard let found else { throw .damaged("no certificate \(record)") }
    return found
  }
}
