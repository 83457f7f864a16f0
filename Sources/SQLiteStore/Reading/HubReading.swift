import CertificateAuthority
public import HubAccess
import KeyVault
import Ledger
public import MusterModel
import Policy

extension FolderStore: HubReader {
  public func feed(of credential: HubCredential, after place: LedgerPlace, limit: Int) async throws -> FeedReading {
    // Before the snapshot, which then holds this commit.
    let (tree, note) = head.current
    guard let note else { return .rolledBack }
    return try await read { snapshot in
      try HubFeedReading(snapshot: snapshot, tree: tree, note: note).page(of: credential, after: place, limit: limit)
    }
  }

  public func devices(
    of hub: RecordID, after cursor: Int64, limit: Int, at time: Timestamp
  ) async throws -> DeviceReading {
    let (tree, note) = head.current
    let key = verifierKey
    return try await read { snapshot in
      let rows = try HubDeviceReading(snapshot, hub: hub, at: time).page(after: cursor, limit: limit + 1)
      return DeviceReading(
        place: LedgerPlace(size: tree.size, root: tree.root), checkpoint: note ?? "", key: key,
        devices: rows.prefix(limit).compactMap(\.device), next: rows.count > limit ? rows[limit - 1].place : nil)
    }
  }

  public func device(_ id: DeviceID, of hub: RecordID, at time: Timestamp) async throws -> SealedDevice? {
    try await read { try HubDeviceReading($0, hub: hub, at: time).device(id) }
  }

  public func holders(_ ids: [DeviceID], of hub: RecordID) async throws -> [KeyHolder?] {
    try await read { snapshot in
      let reading = try KeyHolderReading(snapshot, hub: hub)
      return try ids.map { try reading.holder($0) }
    }
  }

  public func device(
    of certificate: CertificateKey, hub: RecordID, at time: Timestamp
  ) async throws -> SealedDevice? {
    try await read { try HubDeviceReading($0, hub: hub, at: time).device(of: certificate) }
  }

  public func host(of hub: RecordID) async throws -> String? {
    try await read { try $0.hub(hub).flatMap { $0.isRemoved ? nil : $0.host } }
  }

  public func isInOffice(_ credential: HubCredential) async throws -> Bool {
    try await read { try $0.isInOffice(credential) }
  }

  public func sealKey(of hub: RecordID) async throws -> RegisteredKey? {
    try await read { try $0.sealKey(of: hub) }
  }

  public func holds(_ place: LedgerPlace) async throws -> Bool {
    let tree = head.current.tree
    guard place.size <= tree.size else { return false }
    return try await read { snapshot in
      let stored = StoredTree(db: snapshot.db)
      return try TreeReader(tree: tree, fullTile: { try stored.fullTile($0) }).root(at: place.size).hex == place.root
    }
  }

  public func saysMore(_ size: UInt64, from hub: RecordID) async throws -> Bool {
    try await read { snapshot in
      guard let last = try snapshot.lastReceipt(of: hub) else { return true }
      return try snapshot.db.exists(
        """
        SELECT 1 FROM hub_change
        WHERE hub = (SELECT id FROM hub WHERE record = ?) AND position >= ? AND position < ?
        """, hub, last.size, size)
    }
  }

  public func statuses() async throws -> [HubStatus] {
    try await read { snapshot in
      let hubs = try snapshot.db.all(
        "SELECT record, name, host, id FROM hub WHERE removed_at IS NULL AND name IS NOT NULL ORDER BY id"
      ) { (row) throws(StoreError) in (try row.record(0), try row.name(1), row.text(2), row.int(3)) }
      return try hubs.map { try snapshot.status(of: $0.0, name: $0.1, host: $0.2, number: $0.3) }
    }
  }

  public func enforcement(ofCertificate record: RecordID) async throws -> Enforcement {
    try await read { try $0.enforcement(of: record) }
  }
}

extension Snapshot {
  fileprivate func sealKey(of hub: RecordID) throws(StoreError) -> RegisteredKey? {
    let der = try db.first(
      """
      SELECT public_key FROM hub_seal_key JOIN hub ON hub.record = hub_seal_key.hub
      WHERE hub.record = ? AND removed_at IS NULL
      """, hub
    ) { (row) throws(StoreError) in row.bytes(0) }
    guard let der else { return nil }
    guard let key = SealKey(der: der) else { throw .damaged("no seal key of \(hub)") }
    let aggregate = Aggregate.sealKey(ofHub: hub)
    return RegisteredKey(key: key, reads: ReadSet([aggregate: try version(of: aggregate)]))
  }

  fileprivate func lastReceipt(of hub: RecordID) throws(StoreError) -> (size: UInt64, received: Timestamp)? {
    try db.first("SELECT size, received_at FROM hub_receipt WHERE hub = ? ORDER BY size DESC LIMIT 1", hub) {
      (row) throws(StoreError) in (try row.position(0), row.time(1))
    }
  }

  func status(
    of hub: RecordID, name: RecordName, host: String, number: Int64, countingTo limit: UInt64 = HubStatus.pendingLimit
  ) throws(StoreError) -> HubStatus {
    let last = try lastReceipt(of: hub)
    let pending = try db.first(
      """
      SELECT count(*), min(position)
      FROM (SELECT position FROM hub_change WHERE hub = ? AND position >= ? ORDER BY position LIMIT ?)
      """, number, last?.size ?? 0, limit + 1
    ) { (row) throws(StoreError) in (count: try row.position(0), first: row.isNull(1) ? nil : try row.position(1)) }
    let count = pending?.count ?? 0
    let since = try pending?.first.flatMap { position throws(StoreError) in try time(of: position) }
    return HubStatus(
      hub: hub, name: name, host: host, enforced: last?.size, received: last?.received, pending: min(count, limit),
      isMorePending: count > limit, pendingSince: since)
  }

  private func time(of position: UInt64) throws(StoreError) -> Timestamp? {
    try event(at: position).flatMap { line throws(StoreError) in
      try AnyRecorded(line, details: nil, at: position, .muster).origin.at
    }
  }

  /// The last event that changed a certificate's status, and the hubs that must know of it.
  fileprivate func enforcement(of record: RecordID) throws(StoreError) -> Enforcement {
    guard let (position, at) = try lastStatusChange(of: record) else {
      return Enforcement(position: nil, at: nil, hubs: [])
    }
    let hubs = try db.all(
      """
      SELECT hub.record, hub.name FROM hub JOIN hub_change ON hub_change.hub = hub.id
      WHERE hub_change.position = ? AND removed_at IS NULL AND name IS NOT NULL ORDER BY hub.id
      """, position
    ) { (row) throws(StoreError) in (try row.record(0), try row.name(1)) }
    return Enforcement(
      position: position, at: at,
      hubs: try hubs.map { (hub, name) throws(StoreError) in
        let received = try receipt(of: hub, covering: position)
        return Enforcement.Hub(name: name, isEnforced: received != nil, received: received)
      })
  }

  private func receipt(of hub: RecordID, covering position: UInt64) throws(StoreError) -> Timestamp? {
    try db.first(
      "SELECT received_at FROM hub_receipt WHERE hub = ? AND size > ? ORDER BY size LIMIT 1", hub, position
    ) { (row) throws(StoreError) in row.time(0) }
  }

  /// Of the few events that changed the certificate, the last that revoked or released it.
  private func lastStatusChange(of record: RecordID) throws(StoreError) -> (UInt64, Timestamp)? {
    let positions = try db.all(
      "SELECT position FROM concern WHERE record = ? AND changes = 1 ORDER BY position DESC LIMIT 16",
      Aggregate.record(record)
    ) { (row) throws(StoreError) in try row.position(0) }
    for position in positions {
      guard let line = try event(at: position) else { continue }
      let event = try AnyRecorded(line, details: nil, at: position, .muster)
      let certificate =
        (event.body as? CertificateRevoked)?.certificate ?? (event.body as? CertificateReleased)?.certificate
      if certificate == record { return (position, event.origin.at) }
    }
    return nil
  }
}
