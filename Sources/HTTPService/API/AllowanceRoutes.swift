import DeviceRegistry
import Enrollment
import HTTPTypes
import HummingbirdCore
import KeyVault
import MusterModel
import NIOCore

/// `POST /v1/orders/{name}/allowances`: a station's manifest becomes an allowlist, NDJSON both ways. A line for each row,
/// in their order, once what it tells is on disk.
struct AllowanceRoutes: Sendable {
  let rooms: ServiceRooms
  let strangers: StrangerLimits

  var routes: [Route] {
    [
      .operation(
        .orderProvision, .post, "/v1/orders/{name}/allowances", .init(parameters: ["batch"], isStreamed: true)
      ) { request, caller in
        let batch = try request.batch(request.query["batch"] ?? "")
        return try await answer(request, caller, batch, isCheck: false)
      },
      .operation(.orderProvision, .post, "/v1/orders/{name}/allowances/check", .init(isStreamed: true)) {
        try await answer($0, $1, RecordID(.batch, UUIDv7(at: $0.at)), isCheck: true)
      },
    ]
  }

  private func answer(
    _ request: RoutedRequest, _ caller: Caller, _ batch: RecordID, isCheck: Bool
  ) async throws -> Answer {
    try BatchRoutes.expectRows(request)
    let order = try request.name()
    _ = try await DeviceEnrollment(rooms.instance).permitBatch(by: order, for: caller).answered()
    let (source, clock) = (request.peer.source, rooms.instance.clock)
    let flow = AllowanceFlow(
      allowlist: OrderAllowlist(rooms.instance),
      rows: AllowanceRows(caller: caller, order: order, batch: batch, isCheck: isCheck)
    ) { [strangers] in strangers.refused(source, code: $0.code, at: clock.now()) }
    var answer = Answer(.ok, headers: [.contentType: BatchRoutes.mediaType])
    answer.stream = { [body = request.takeStream()] in try await flow.run(body, to: &$0) }
    return answer
  }
}

/// Each piece of the manifest is answered before the next is read, so that one of any length takes no more than a piece.
struct AllowanceFlow: Sendable {
  let allowlist: OrderAllowlist
  let rows: AllowanceRows
  /// Counts what was refused and is no event.
  let refused: @Sendable (Refusal) -> Void

  /// The most rows that are decided from one snapshot and committed together.
  private static let chunk = 256

  func run(_ body: RequestBody, to writer: inout any ResponseBodyWriter) async throws {
    var reading = BatchReading { rows.row($0) }
    for try await piece in body {
      let rows = reading.rows(in: piece)
      for start in stride(from: 0, to: rows.count, by: AllowanceFlow.chunk) {
        let chunk = rows[start..<min(rows.count, start + AllowanceFlow.chunk)]
        try await writer.write(ByteBuffer(bytes: try await lines(of: chunk)))
      }
      if reading.isBroken { break }
    }
    if reading.isBroken { try await writer.write(BatchReading<AllowanceRows.Row>.brokenLine) }
    try await writer.finish(nil)
  }

  private func lines(of chunk: ArraySlice<AllowanceRows.Row>) async throws -> [UInt8] {
    let requests = chunk.compactMap { try? $0.request.get() }
    var lines = JSONWriter(capacity: 256 * chunk.count)
    if rows.isCheck {
      var refusals = try await allowlist.refusals(of: requests)[...]
      for row in chunk {
        lines.line(CheckedLine(row: row.number, refusal: row.refusal ?? refusals.popFirst() ?? nil))
      }
      return lines.bytes
    }
    var outcomes = try await allowlist.allow(requests)[...]
    for row in chunk {
      let outcome = row.refusal.map { .refused($0) } ?? outcomes.popFirst() ?? .refused(.notCommitted)
      if case .refused(let refusal) = outcome, refusal.isToBeCounted { refused(refusal) }
      lines.line(AllowanceLine(row: row.number, outcome: outcome))
    }
    return lines.bytes
  }
}

/// What came of one row.
struct AllowanceLine: CanonicalJSON {
  let row: UInt64
  let outcome: Outcome<Allowed>

  func write(to json: inout JSONWriter) {
    switch outcome {
    case .done(let allowed):
      json.field("expires", allowed.expires)
      json.field("isNew", bool: allowed.isNew)
      json.field("row", number: row)
      json.field("state", allowed.state.rawValue)
      json.field("ticket", allowed.ticket)
    case .refused(let refusal):
      json.field("code", refusal.code)
      json.field("reason", refusal.reason)
      if refusal.kind == .unavailable { json.field("retry", bool: true) }
      json.field("row", number: row)
    }
  }
}

/// Rows out of the bytes of a body, and what they ask for: a row with `validSeconds` a one-time secret, another a listing.
struct AllowanceRows: Sendable {
  let caller: Caller
  let order: RecordName
  let batch: RecordID
  /// Whether a secret may be one that is not made yet.
  let isCheck: Bool

  struct Row: Sendable {
    let number: UInt64
    let request: Result<AllowanceRequest, Refusal>

    /// Why it is none.
    var refusal: Refusal? {
      if case .failure(let refusal) = request { refusal } else { nil }
    }
  }

  /// nil where the line is no row at all: nobody could tell which it was.
  func row(_ line: some Sequence<UInt8>) -> Row? {
    guard let object = FlatObject(line), let number = object.number("row") else { return nil }
    return Row(number: number, request: Result { () throws(Refusal) in try request(object) })
  }

  private func request(_ object: FlatObject) throws(Refusal) -> AllowanceRequest {
    let board = try BoardFields(object, beside: ["secret", "validSeconds"])
    let asked = StationRequest(
      caller: caller, order: order, batch: batch, hardware: board.hardware, deviceID: board.deviceID)
    return AllowanceRequest(asked: asked, label: board.group, wish: try wish(object))
  }

  private func wish(_ object: FlatObject) throws(Refusal) -> AllowanceRequest.Wish {
    guard object["validSeconds"] != nil || object["secret"] != nil else { return .listing }
    guard let seconds = object.number("validSeconds"), seconds < 1 << 32 else {
      throw Refusal(.invalid, "secret-lifetime", "expected seconds in validSeconds, where a row has a secret")
    }
    let code = object.text("secret").flatMap { TicketCode($0) }
    guard code != nil || isCheck && object["secret"] == nil else {
      throw Refusal(.invalid, "secret-malformed", "expected 16 characters of Crockford's base 32 in secret")
    }
    return .secret(code, lifetime: .seconds(Int64(seconds)))
  }
}
