import DeviceRegistry
import KeyVault
import MusterModel

/// Whether a unit of work may still be committed: what it read is unchanged, what it claims is free. Asked inside the
/// transaction that then writes it, so that nothing comes between.
struct UnitCheck {
  /// What is asked of a unit's claims.
  enum Care {
    /// Those that no constraint holds. The others are as good as always free: where one is not, writing it fails.
    case unheld
    /// All, so that a unit whose writing failed is told which name was taken.
    case all
  }

  private let db: Connection
  private var care = Care.unheld
  /// The newest KEK as it stands in the open transaction, once it was asked for.
  private var kek: UInt32?

  init(db: Connection) { self.db = db }

  /// A transaction begins.
  mutating func begin(_ care: Care) { (self.care, kek) = (care, nil) }

  /// The unit was written into the open transaction.
  mutating func wrote(_ unit: UnitOfWork) {
    if unit.events.contains(where: { $0.kind == KEKCreated.kind }) { kek = nil }
  }

  /// nil where nothing is in the way.
  mutating func refusal(of unit: UnitOfWork) throws(StoreError) -> CommitOutcome? {
    if let aggregate = try stale(unit.reads) { return .stale(aggregate) }
    if try isUnderOlderKEK(unit) { return .stale(.vault) }
    for name in unit.claims where care == .all || !name.isHeldByConstraint {
      if try isTaken(name, by: unit) { return .taken(name) }
    }
    for spend in unit.spends where try !isLeft(spend) { return .exhausted(spend.counter) }
    return nil
  }

  /// The first by name, so that the same unit is refused the same way each time.
  private func stale(_ reads: ReadSet) throws(StoreError) -> Aggregate? {
    var found: Aggregate?
    for (aggregate, version) in reads.versions where try db.heldVersion(of: aggregate) != version {
      found = found.map { min($0, aggregate) } ?? aggregate
    }
    return found
  }

  /// From a new KEK on nothing is written under an older one: so re-wrapping passes over each row once, and what it passed
  /// over stays so.
  private mutating func isUnderOlderKEK(_ unit: UnitOfWork) throws(StoreError) -> Bool {
    guard let oldest = unit.oldestKEK else { return false }
    if kek == nil { kek = try db.newestKEK() }
    return oldest < kek ?? 0
  }

  private func isTaken(_ name: UniqueName, by unit: UnitOfWork) throws(StoreError) -> Bool {
    switch name {
    case .deviceID(let id):
      try db.exists("SELECT 1 FROM device WHERE folded = ? AND state <> 'retired'", id.folded)
    case .hardware(let id):
      try db.exists("SELECT 1 FROM hardware WHERE hardware_id = ?", id.description)
    case .activeBinding(let record):
      try isBound(record) && !unit.ends(record)
    case .serial(let issuer, let serial):
      try db.exists("SELECT 1 FROM certificate WHERE issuer = ? AND serial = ?", issuer, serial)
    case .publicKey(let digest, let owner):
      try db.hasPublicKey(digest, ofOtherThan: owner)
    case .ticketCode(let code):
      try db.exists("SELECT 1 FROM ticket WHERE code = ?", code)
    case .operatorName(let name):
      try db.exists("SELECT 1 FROM operator WHERE folded = ? AND removed_at IS NULL", name.folded)
    case .hubName(let name):
      try db.exists("SELECT 1 FROM hub WHERE folded = ? AND removed_at IS NULL", name.folded)
    case .groupName(let name):
      try db.exists("SELECT 1 FROM device_group WHERE folded = ? AND removed_at IS NULL", name.folded)
    case .orderName(let name):
      try db.exists("SELECT 1 FROM factory_order WHERE folded = ? AND closed_at IS NULL", name.folded)
    case .batch(let batch, let order):
      try db.exists("SELECT 1 FROM factory_batch WHERE record = ? AND factory_order <> ?", batch, order)
    case .ringName(let name):
      try db.exists("SELECT 1 FROM key_ring WHERE folded = ?", name.folded)
    case .idempotencyKey(let id, let key):
      try db.exists("SELECT 1 FROM idempotent_answer WHERE operator = ? AND key = ?", id, key)
    case .rollover(let devices): try db.isRolloverUnderWay(.keys, of: devices)
    case .certificateRollover(let devices): try db.isRolloverUnderWay(.certificates, of: devices)
    }
  }

  /// Inside the transaction that then spends it: of two that come for the last one, the second finds none.
  private func isLeft(_ spend: CounterSpend) throws(StoreError) -> Bool {
    switch spend.counter {
    case .order(let order): try db.left(of: order) >= spend.amount
    case .keyProtections(let version):
      try db.exists(
        """
        SELECT 1 FROM key_version JOIN key_ring ON key_ring.record = ring
        WHERE key_version.record = ? AND (protection_limit IS NULL OR protections + ? <= protection_limit)
        """, version, spend.amount)
    }
  }

  private func isBound(_ record: RecordID) throws(StoreError) -> Bool {
    record.kind == .device
      ? try db.exists("SELECT 1 FROM binding WHERE device = ? AND ended_at IS NULL", record)
      : try db.exists("SELECT 1 FROM hardware WHERE record = ? AND device IS NOT NULL", record)
  }
}

extension UniqueName {
  /// Whether an event that takes the name cannot be written where it is taken: by a unique index, or by the view that it
  /// goes into.
  fileprivate var isHeldByConstraint: Bool {
    switch self {
    case .deviceID, .hardware, .activeBinding, .serial, .publicKey: true
    default: false
    }
  }
}

extension UnitOfWork {
  /// Whether the unit itself ends the active binding of `record`, so that it may make another.
  fileprivate func ends(_ record: RecordID) -> Bool {
    events.contains { event in
      guard let end = event.body as? BindingEnded else { return false }
      return end.device == record || end.hardware.contains(record)
    }
  }
}

extension UnitOfWork {
  /// The lowest number of a KEK under which it seals something; nil where it seals nothing.
  fileprivate var oldestKEK: UInt32? {
    guard !secrets.isEmpty || !rewraps.isEmpty || answer?.isSealed == true else { return nil }
    let sealed = secrets.compactMap(\.kek) + rewraps.compactMap(\.sealed.kek)
    return (sealed + [answer.flatMap { $0.isSealed ? Vault.kek(of: $0.body) : nil }].compactMap(\.self)).min()
  }
}

extension Connection {
  /// 0 before the first.
  fileprivate func newestKEK() throws(StoreError) -> UInt32 {
    try first("SELECT ifnull(max(kek), 0) FROM kek") { (row) throws(StoreError) in try row.number(0) } ?? 0
  }

  /// The position of the last event that changed the aggregate, plus one; 0 where there is none.
  func version(of aggregate: Aggregate) throws(StoreError) -> UInt64 {
    try first("SELECT max(position) + 1 FROM concern WHERE record = ? AND changes = 1", aggregate) {
      (row) throws(StoreError) in try row.position(0)
    } ?? 0
  }
}
