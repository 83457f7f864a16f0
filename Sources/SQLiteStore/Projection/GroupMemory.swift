import CertificateAuthority
import DeviceRegistry
import MusterModel

/// What the events of a group have in common, in memory while their transaction is open: counts that many of them add to,
/// and what many of them ask. It is read once and written once, where each event would ask for and write the same row.
///
/// It stands for what enrollments and certificates do, and nothing else: before an event of another kind, which may read or
/// change what is held here, it is settled.
struct GroupMemory {
  fileprivate struct Order {
    var left: UInt64
    var made: UInt64 = 0
  }

  fileprivate struct Issuer {
    var issued: UInt64 = 0
    var lastShard: UInt32 = 0

    mutating func count(_ shard: UInt32) {
      issued += 1
      lastShard = max(lastShard, shard)
    }
  }

  fileprivate var devices: [RecordID: UInt64] = [:]
  fileprivate var orders: [RecordID: Order] = [:]
  fileprivate var issuers: [String: Issuer] = [:]
  /// Whose a batch is.
  fileprivate var batches: [RecordID: RecordID] = [:]
  /// Whether any device is in a rollover that goes on, once it was asked.
  fileprivate var isRolloverOpen: Bool?
  /// The versions of what was changed, whose rows may wait to be written, and of what was asked for.
  fileprivate var versions: [Aggregate: UInt64] = [:]
  /// The keys of certificates that were issued, whose rows may wait, and how many these are.
  fileprivate var keys: Set<Digest> = []
  fileprivate var issued = 0
  /// The rows of the hubs that are told of a device.
  fileprivate var hubs: [Assignment: [Int64]] = [:]

  fileprivate struct Assignment: Hashable {
    let hub: RecordID?
    let group: RecordID?
  }

  static func standsFor(_ kind: String) -> Bool {
    kind == CertificateIssued.kind || kind == DeviceEnrolled.kind || kind == DeviceEnrolledWithKeys.kind
  }
}

extension Connection {
  /// Writes what waits and what was counted, and forgets all.
  func settle() throws(StoreError) {
    try writeRows()
    for (group, count) in memory.devices {
      try run("UPDATE device_group SET devices = devices + ? WHERE record = ?", count, group)
    }
    for (issuer, counted) in memory.issuers {
      try change(
        "UPDATE issuer SET issued = issued + ?, last_shard = max(coalesce(last_shard, 0), ?) WHERE key_id = ?",
        counted.issued, counted.lastShard, issuer)
    }
    for (order, counted) in memory.orders where counted.made > 0 {
      try change(
        "UPDATE factory_order SET made = made + ?1 WHERE record = ?2 AND made + ?1 <= quota", counted.made, order)
    }
    let issued = memory.issued
    memory = GroupMemory()
    if issued > 0 { try moveDigests(after: issued) }
  }

  /// The aggregate's version as it stands in the open transaction.
  func heldVersion(of aggregate: Aggregate) throws(StoreError) -> UInt64 {
    if let version = memory.versions[aggregate] { return version }
    let version = try version(of: aggregate)
    memory.versions[aggregate] = version
    return version
  }

  /// An event changed the aggregate.
  func changed(_ aggregate: Aggregate, at position: UInt64) { memory.versions[aggregate] = position + 1 }

  /// A certificate of the key was issued.
  func issued(_ key: Digest) {
    memory.keys.insert(key)
    memory.issued += 1
  }

  /// Whether one may be among the rows that wait.
  func hasIssued(_ key: Digest) -> Bool { memory.keys.contains(key) }

  /// The rows of the hubs that are told of a device of that hub or that group.
  func hubs(of hub: RecordID?, _ group: RecordID?) throws(StoreError) -> [Int64] {
    let assignment = GroupMemory.Assignment(hub: hub, group: group)
    if let hubs = memory.hubs[assignment] { return hubs }
    let hubs = try all(
      "SELECT id FROM hub WHERE record = ?1 UNION SELECT hub FROM hub_group WHERE device_group = ?2", hub, group
    ) { row in row.int(0) }
    memory.hubs[assignment] = hubs
    return hubs
  }

  /// One device more is in the group.
  func countDevice(in group: RecordID) { memory.devices[group, default: 0] += 1 }

  /// One certificate more is the issuer's.
  func countCertificate(of issuer: String, in shard: UInt32) throws(StoreError) {
    if memory.issuers[issuer] == nil, try !exists("SELECT 1 FROM issuer WHERE key_id = ?", issuer) {
      throw .conflict("no issuer \(issuer)")
    }
    memory.issuers[issuer, default: .init()].count(shard)
  }

  /// How many devices may still be made by an order; 0 where there is none.
  func left(of order: RecordID) throws(StoreError) -> UInt64 { try counted(order).left }

  /// One device more was made by the order.
  func countMade(by order: RecordID) throws(StoreError) {
    var counted = try counted(order)
    guard counted.left > 0 else { throw .conflict("an order of which nothing is left") }
    counted.left -= 1
    counted.made += 1
    memory.orders[order] = counted
  }

  private func counted(_ order: RecordID) throws(StoreError) -> GroupMemory.Order {
    if let counted = memory.orders[order] { return counted }
    let left = try first("SELECT quota - made FROM factory_order WHERE record = ?", order) {
      (row) throws(StoreError) in try row.position(0)
    }
    let counted = GroupMemory.Order(left: left ?? 0)
    memory.orders[order] = counted
    return counted
  }

  /// A batch is one order's: who comes first has it.
  func hold(_ batch: RecordID, for order: RecordID) throws(StoreError) {
    if memory.batches[batch] == order { return }
    if try !exists("SELECT 1 FROM factory_batch WHERE record = ? AND factory_order = ?", batch, order) {
      // Fails where it is another's.
      try run("INSERT INTO factory_batch(record, factory_order) VALUES (?, ?)", batch, order)
    }
    memory.batches[batch] = order
  }

  /// Whether any device is in a rollover that goes on.
  func isRolloverOpen() throws(StoreError) -> Bool {
    if let isOpen = memory.isRolloverOpen { return isOpen }
    let isOpen = try exists("SELECT 1 FROM rollover_device INDEXED BY rollover_device_open WHERE is_open = 1")
    memory.isRolloverOpen = isOpen
    return isOpen
  }
}
