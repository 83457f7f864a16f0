public import Enrollment
public import KeyVault
public import MusterModel

extension FolderStore: RolloverReader {
  public func rollovers(_ page: PageRequest, in scope: GroupScope) async throws -> Page<RolloverSummary> {
    try await read { try $0.rollovers(page, in: scope) }
  }

  public func rollover(_ record: RecordID) async throws -> RolloverSummary? {
    try await read { try $0.rolloverSummary(record) }
  }

  public func stragglers(of rollover: RecordID, _ page: PageRequest) async throws -> Page<RolloverStraggler>? {
    try await read { try $0.stragglers(of: rollover, page) }
  }

  public func rolloversUnderWay() async throws -> [RolloverSituation] {
    try await read { try $0.rolloversUnderWay() }
  }

  public func candidates(of rollover: RecordID, limit: Int) async throws -> [RolloverCandidate] {
    let now = clock.now()
    return try await read { try $0.rolloverCandidates(of: rollover, at: now, limit: limit) }
  }

  public func candidateCount(of rollover: RecordID) async throws -> UInt64 {
    let now = clock.now()
    return try await read { try $0.rolloverCandidateCount(of: rollover, at: now) }
  }

  public func members(
    of rollover: RecordID, at stages: [DeviceRollover.Stage], since time: Timestamp, limit: Int
  ) async throws -> [RolloverMember] {
    try await read { try $0.rolloverMembers(of: rollover, at: stages, since: time, limit: limit) }
  }

  public func certificateMembers(
    of rollover: RecordID, at stages: [DeviceRollover.Stage], since time: Timestamp, limit: Int
  ) async throws -> [CertificateRolloverMember] {
    let now = clock.now()
    return try await read {
      try $0.certificateMembers(of: rollover, at: stages, since: time, now: now, limit: limit)
    }
  }
}

extension Snapshot {
  /// In the order in which they were planned.
  func rollovers(_ request: PageRequest, in scope: GroupScope) throws -> Page<RolloverSummary> {
    let (start, probe, groups) = (try request.start(), request.probe, scope.list)
    let rows = try db.all(
      """
      SELECT id, record FROM rollover
      WHERE id > ?1 AND (?2 IS NULL OR device_group IN (SELECT value FROM json_each(?2))) ORDER BY id LIMIT ?3
      """, start, groups, probe
    ) { (row) throws(StoreError) in (row.int(0), try row.record(1)) }
    return request.page(
      try rows.map { (place, record) throws(StoreError) in
        Placed(place: place, summary: try rolloverSummary(record))
      })
  }

  func rolloverSummary(_ record: RecordID) throws(StoreError) -> RolloverSummary? {
    guard let found = try rolloverColumns(record) else { return nil }
    return RolloverSummary(
      record: record, certificates: found.certificates,
      of: DeviceFilter(
        group: try recordName(of: found.devices.group), hub: try recordName(of: found.devices.hub),
        batch: found.devices.batch),
      isOfAll: found.devices.isAll, cause: found.cause,
      changed: found.changed, planned: found.planned, started: found.started, campaign: try campaign(found))
  }

  func stragglers(of rollover: RecordID, _ request: PageRequest) throws -> Page<RolloverStraggler>? {
    guard let found = try rolloverColumns(rollover) else { return nil }
    let ofKeys = found.kind == .keys
    let (start, stages) = (try request.start(), DeviceRollover.Stage.straggling.list)
    let placed = try db.all(
      """
      SELECT rollover_device.id, rollover_device.device, device.device_id, stage, since, proved_version, proved_at,
        made_version
      FROM rollover_device JOIN device ON device.record = rollover_device.device
        LEFT JOIN device_key ON device_key.device = rollover_device.device
      WHERE rollover = ?1 AND rollover_device.id > ?2 AND stage IN (SELECT value FROM json_each(?3))
        AND device.state <> 'retired'
      ORDER BY rollover_device.id LIMIT ?4
      """, found.row, start, stages, request.probe
    ) { (row) throws(StoreError) in
      Placed(
        place: row.int(0),
        summary: RolloverStraggler(
          device: try row.record(1), deviceID: row.isNull(2) ? nil : try row.parsed(2, DeviceID(row.text(2))),
          stage: try row.value(3), since: row.time(4), proved: ofKeys ? try row.optional(5, Row.number) : nil,
          provedAt: ofKeys && !row.isNull(6) ? row.time(6) : nil, made: ofKeys ? try row.optional(7, Row.number) : nil))
    }
    return request.page(placed)
  }
}
