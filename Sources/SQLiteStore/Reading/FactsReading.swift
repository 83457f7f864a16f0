import DeviceRegistry
public import Enrollment
import KeyVault
public import MusterModel

/// Reads all the facts of one use case from one snapshot, each with its version.
struct FactsReading {
  private let snapshot: Snapshot
  private let query: FactsQuery
  private let common: Common
  private let now: Timestamp
  private var facts = Facts()

  /// What the cases of one snapshot have in common, read once: what the facts of each hold, and the orders and groups that
  /// many name.
  final class Common {
    let policies: UInt64
    let vault: UInt64
    let patterns: PatternsSnapshot
    fileprivate let orders = Known<FactsQuery.OrderKey, OrderSnapshot>()
    fileprivate let batchHolders = Known<RecordID, BatchHolder>()
    fileprivate let groups = Known<FactsQuery.GroupKey, GroupSnapshot>()

    init(_ snapshot: Snapshot) throws(StoreError) {
      policies = try snapshot.version(of: .policies)
      vault = try snapshot.version(of: .vault)
      patterns = try snapshot.patterns()
    }
  }

  init(_ snapshot: Snapshot, _ query: FactsQuery, _ common: Common, at now: Timestamp) {
    self.snapshot = snapshot
    self.query = query
    self.common = common
    self.now = now
    facts.patterns = common.patterns
    facts.reads.saw(.policies, version: common.policies)
    facts.reads.saw(.vault, version: common.vault)
    facts.reads.saw(.hardwarePatterns, version: common.patterns.version)
  }

  /// What names others is read before them.
  consuming func read() throws(StoreError) -> Facts {
    try readTicket()
    try readCertificate()
    try readHardware()
    try readOrder()
    try readRollover()
    try readDevice()
    try readRing()
    try readGroups()
    try readPeers()
    try readPublicKey()
    try readChallenge()
    return facts
  }

  private mutating func saw(_ record: RecordID, _ version: UInt64) {
    facts.reads.saw(.record(record), version: version)
  }

  private mutating func readTicket() throws(StoreError) {
    switch query.ticket {
    case .code(let code): facts.ticket = try snapshot.ticket(code: code)
    case .record(let record): facts.ticket = try snapshot.ticket(record)
    case nil: return
    }
    if let ticket = facts.ticket { saw(ticket.record, ticket.version) }
  }

  private mutating func readCertificate() throws(StoreError) {
    if let key = query.certificate {
      facts.certificate = try snapshot.certificate(key)
    } else if case .redeemed(let redemption)? = facts.ticket?.state {
      facts.certificate = try redemption.certificate.flatMap { record throws(StoreError) in
        try snapshot.certificate(record)
      }
    }
    if let certificate = facts.certificate { saw(certificate.record, certificate.version) }
    if query.certificatesOfPeer, let subject = facts.certificate?.subject, subject.kind != .device {
      facts.deviceCertificates = try snapshot.liveCertificates(of: subject, at: now)
    }
  }

  private mutating func readHardware() throws(StoreError) {
    for id in query.hardware + [facts.ticket?.hardware].compactMap(\.self)
    where !facts.hardware.contains(where: { $0.id == id }) {
      let known = KnownHardware(id, try snapshot.hardware(id))
      facts.hardware.append(known)
      if let hardware = known.snapshot { saw(hardware.record, hardware.version) }
    }
  }

  private mutating func readOrder() throws(StoreError) {
    facts.order = try query.order.flatMap { key throws(StoreError) in try order(key) }
    if let order = facts.order { saw(order.record, order.version) }
    facts.batchHolder = try query.batch.flatMap { batch throws(StoreError) in
      try common.batchHolders[batch, snapshot.holder(ofBatch:)]
    }
    let allowing = query.deviceOfHardware ? firstHardware?.allowance?.provisioning : facts.ticket?.provisioning
    facts.allowingOrder = try allowing.flatMap { provisioning throws(StoreError) in
      try order(.record(provisioning.order))
    }
    if let order = facts.allowingOrder { saw(order.record, order.version) }
    if query.secret, let hardware = facts.hardware.first?.id {
      facts.secret = try snapshot.openSecret(of: hardware, at: now)
      if let secret = facts.secret { saw(secret.ticket.record, secret.ticket.version) }
    }
  }

  private func order(_ key: FactsQuery.OrderKey) throws(StoreError) -> OrderSnapshot? {
    try common.orders[key, snapshot.order]
  }

  private mutating func readRollover() throws(StoreError) {
    facts.rollover = try query.rollover.flatMap { record throws(StoreError) in try snapshot.rollover(record) }
    if let rollover = facts.rollover { saw(rollover.record, rollover.version) }
  }

  private var firstHardware: HardwareSnapshot? { facts.hardware.first?.snapshot }

  private mutating func readDevice() throws(StoreError) {
    facts.device = try device()
    guard let device = facts.device else { return }
    saw(device.record, device.version)
    for bound in device.binding?.hardware ?? [] {
      guard let hardware = try snapshot.hardware(bound.hardware) else { continue }
      facts.boundHardware.append(hardware)
      saw(hardware.record, hardware.version)
    }
    facts.deviceCertificates = try snapshot.liveCertificates(of: device.record, at: now)
    for certificate in facts.deviceCertificates { saw(certificate.record, certificate.version) }
    facts.attestedKey = try device.binding.flatMap { binding throws(StoreError) in
      try snapshot.isAttested(binding.publicKey) ? binding.publicKey : nil
    }
    if query.order != nil { try readOrigin(of: device) }
    if query.deviceKeys { try readKeys(of: device) }
    if query.hasDeviceKeys {
      facts.hasDeviceKeys = try snapshot.db.exists(
        "SELECT 1 FROM device_key WHERE device = ? AND is_destroyed = 0", device.record)
    }
  }

  private mutating func readOrigin(of device: DeviceSnapshot) throws(StoreError) {
    facts.bindingOrigin = try snapshot.bindingOrigin(of: device.record)
    guard let first = facts.deviceCertificates.first(where: { $0.record == device.binding?.certificate }) else {
      return
    }
    facts.bindingEvent = try snapshot.event(at: first.position)
  }

  private mutating func readKeys(of device: DeviceSnapshot) throws(StoreError) {
    facts.deviceKeys = try snapshot.deviceKeys(of: device.record).map { DeviceKeysSnapshot($0) }
    facts.deviceRollover = try snapshot.deviceRollover(of: device.record)
    facts.deviceHub = try snapshot.hub(ofDevice: device.record).flatMap { hub throws(StoreError) in
      try snapshot.hub(hub)
    }
    if let hub = facts.deviceHub { saw(hub.record, hub.version) }
  }

  private func device() throws(StoreError) -> DeviceSnapshot? {
    if query.deviceOfHardware, let bound = firstHardware?.boundTo, let device = try snapshot.device(bound) {
      return device
    }
    if query.deviceOfHardware, query.order == nil, let id = firstHardware?.allowance?.deviceID {
      return try snapshot.device(id)
    }
    if let id = query.deviceID ?? facts.ticket?.deviceID { return try snapshot.device(id) }
    guard query.certificate != nil, let subject = facts.certificate?.subject else { return nil }
    return try snapshot.device(subject)
  }

  private mutating func readGroups() throws(StoreError) {
    facts.group = try group()
    if let group = facts.group {
      saw(group.record, group.version)
      if query.groupDevices { facts.groupDevices = try snapshot.devices(inGroup: group.record) }
      if query.boardRings { facts.boardRings = try snapshot.boardRings(of: group.record) }
      for found in facts.boardRings { saw(found.ring.record, found.ring.version) }
      if query.boardRings, let ring = facts.ring {
        facts.boardVersions = try snapshot.boardVersionCount(of: ring, from: query.boardMinimum)
      }
    }
    facts.groups = try query.groupNames.map { name throws(StoreError) in try snapshot.group(name) }
      .compactMap(\.self)
    for group in facts.groups { saw(group.record, group.version) }
  }

  private func group() throws(StoreError) -> GroupSnapshot? {
    let listed = facts.hardware.lazy.compactMap { $0.snapshot.flatMap { $0.listing == .allowed ? $0.group : nil } }
      .first
    let named = facts.order?.group ?? facts.ticket?.group ?? facts.device?.group ?? facts.ring?.group
    guard let key = query.group ?? (named ?? listed).map(FactsQuery.GroupKey.record) else { return nil }
    return try common.groups[key, snapshot.group]
  }

  private mutating func readPeers() throws(StoreError) {
    facts.operator = try query.operatorName.flatMap { name throws(StoreError) in try snapshot.operator(name) }
    facts.hub = try query.hubName.flatMap { name throws(StoreError) in try snapshot.hub(name) }
    if let found = facts.operator { saw(found.record, found.version) }
    if let found = facts.hub { saw(found.record, found.version) }
  }

  /// Its version counts though it is not open: so it is found where it ended meanwhile.
  private mutating func readChallenge() throws(StoreError) {
    if query.tpmMakers { facts.reads.saw(.tpmMakers, version: try snapshot.version(of: .tpmMakers)) }
    guard let record = query.challenge else { return }
    facts.challenge = try snapshot.challenge(record)
    saw(record, try snapshot.version(of: record))
  }

  private mutating func readRing() throws(StoreError) {
    if query.wrappingKey {
      facts.wrappingKey = try snapshot.secrets(purpose: WrappingKey.purpose).first
      facts.reads.saw(.vault, version: try snapshot.version(of: .vault))
    }
    guard let name = query.ring, let ring = try snapshot.ring(name) else { return }
    facts.ring = ring
    saw(ring.record, ring.version)
    for number in query.ringVersions.union([ring.newest]) {
      facts.ringVersions[number] = try snapshot.keyVersion(number, of: ring.record)
    }
  }

  private mutating func readPublicKey() throws(StoreError) {
    guard let key = query.publicKey else { return }
    let certificates = try snapshot.db.certificates(
      with: key, "SELECT subject, revoked_reason IS 'key-compromise' FROM certificate WHERE id = ? AND public_key = ?"
    ) { (row) throws(StoreError) in (owner: try row.optional(0, Row.record), isCompromised: row.bool(1)) }
    facts.publicKeyOwner = certificates.lazy.compactMap(\.owner).first
    facts.publicKeyIsCompromised = certificates.contains(where: \.isCompromised)
  }
}

/// What was asked for once, also where there is none.
private final class Known<Key: Hashable, Value> {
  private var values: [Key: Value?] = [:]

  subscript(key: Key, read: (Key) throws(StoreError) -> Value?) -> Value? {
    get throws(StoreError) {
      if let known = values[key] { return known }
      let value = try read(key)
      values[key] = .some(value)
      return value
    }
  }
}

extension Snapshot {
  fileprivate func order(_ key: FactsQuery.OrderKey) throws(StoreError) -> OrderSnapshot? {
    switch key {
    case .name(let name): try order(name)
    case .record(let record): try order(record)
    }
  }

  fileprivate func group(_ key: FactsQuery.GroupKey) throws(StoreError) -> GroupSnapshot? {
    switch key {
    case .name(let name): try group(name)
    case .record(let record): try group(record)
    }
  }

  fileprivate func devices(inGroup group: RecordID) throws(StoreError) -> Int {
    try db.first("SELECT devices FROM device_group WHERE record = ?", group) {
      (row) throws(StoreError) in Int(row.int(0))
    } ?? 0
  }
}

extension FolderStore: FactsReader {
  public func facts(for query: FactsQuery) async throws -> Facts {
    let now = clock.now()
    return try await read { snapshot in
      try FactsReading(snapshot, query, try .init(snapshot), at: now).read()
    }
  }

  public func prepare(_ body: @escaping @Sendable (any FactsSource) -> Void) { preparers.prepare(body) }

  public func identity(fingerprint: Digest) async throws -> IdentityFacts? {
    try await read { snapshot in
      guard let certificate = try snapshot.certificate(.named(.fingerprint(fingerprint))),
        let subject = try snapshot.subject(of: certificate)
      else { return nil }
      guard case .device(let device) = subject else { return IdentityFacts(certificate: certificate, subject: subject) }
      return IdentityFacts(
        certificate: certificate, subject: subject,
        certificateRollover: try snapshot.certificateRollover(of: device.record, showing: certificate.record))
    }
  }

  public func trustAnchors(of group: RecordName?) async throws -> [GroupAnchor] {
    try await read { try $0.trustAnchors(of: group) }
  }

  public func tpmMakers() async throws -> TPMMakersSnapshot { try await read { try $0.tpmMakers() } }

  public func isInForce(_ position: UInt64) async throws -> Bool {
    let now = clock.now()
    return try await read { snapshot in
      guard let event = try snapshot.recorded(at: position) else { return false }
      return try snapshot.isPatternInForce(position)
        || event.origin.on.compactMap(\.record).contains { try snapshot.isInForce($0, by: position, at: now) }
    }
  }

  public func answer(to operator: RecordID, key: String) async throws -> IdempotentAnswer? {
    try await read { snapshot in
      try snapshot.db.first(
        "SELECT request, status, body, is_sealed FROM idempotent_answer WHERE operator = ? AND key = ?", `operator`, key
      ) { (row) throws(StoreError) in
        IdempotentAnswer(
          operator: `operator`, key: key, request: try row.digest(0), status: Int(row.int(1)), body: row.bytes(2),
          isSealed: row.bool(3))
      }
    }
  }
}

extension Snapshot {
  /// CROSS JOIN: from the few to the many, whatever SQLite believes of their numbers.
  func trustAnchors(of group: RecordName?) throws(StoreError) -> [GroupAnchor] {
    try db.all(
      """
      SELECT device_group.record, attachment.bytes
      FROM device_group CROSS JOIN group_anchor ON group_anchor.device_group = device_group.record
        CROSS JOIN attachment
          ON attachment.id BETWEEN group_anchor.position * 1024 AND group_anchor.position * 1024 + 1023
          AND attachment.digest = group_anchor.digest
      WHERE removed_at IS NULL AND (?1 IS NULL OR folded = ?1)
      ORDER BY device_group.id, group_anchor.rowid
      """, group?.folded
    ) { (row) throws(StoreError) in GroupAnchor(group: try row.record(0), der: row.bytes(1)) }
  }

  /// Whether a record that the event at a position made is in force; only the event's own records can be.
  fileprivate func isInForce(
    _ record: RecordID, by position: UInt64, at now: Timestamp
  ) throws(StoreError) -> Bool {
    try db.exists(
      """
      SELECT 1 FROM device WHERE record = ?3 AND position = ?1 AND state <> 'retired'
      UNION ALL SELECT 1 FROM hardware WHERE record = ?3 AND position = ?1 AND listing = 'blocked'
      UNION ALL SELECT 1 FROM hardware WHERE record = ?3 AND position = ?1 AND device IS NOT NULL
      UNION ALL SELECT 1 FROM hardware JOIN factory_order ON factory_order.record = hardware.factory_order
        WHERE hardware.record = ?3 AND listed_position = ?1 AND device IS NULL AND closed_at IS NULL
          AND (until IS NULL OR until > ?2)
      UNION ALL SELECT 1 FROM operator WHERE record = ?3 AND position = ?1 AND removed_at IS NULL
      UNION ALL SELECT 1 FROM hub WHERE record = ?3 AND position = ?1 AND removed_at IS NULL
      UNION ALL SELECT 1 FROM device_group WHERE record = ?3 AND position = ?1 AND removed_at IS NULL
      UNION ALL SELECT 1 FROM factory_order WHERE record = ?3 AND position = ?1 AND closed_at IS NULL
      UNION ALL SELECT 1 FROM key_ring WHERE record = ?3 AND position = ?1
        AND EXISTS (SELECT 1 FROM key_version WHERE ring = key_ring.record AND state <> 'destroyed')
      UNION ALL SELECT 1 FROM ticket WHERE record = ?3 AND position = ?1 AND cancelled_at IS NULL AND expires_at > ?2
        AND NOT EXISTS (SELECT 1 FROM redemption WHERE redemption.ticket = ticket.id)
      """, position, now, record)
  }

  fileprivate func isPatternInForce(_ position: UInt64) throws(StoreError) -> Bool {
    try db.exists(
      """
      SELECT 1 FROM hardware_pattern AS last WHERE position = ? AND listing = 'blocked' AND NOT EXISTS (
        SELECT 1 FROM hardware_pattern AS later
        WHERE later.pattern = last.pattern AND later.position > last.position)
      """, position)
  }
}
