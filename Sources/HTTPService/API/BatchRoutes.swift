import DeviceRegistry
import Enrollment
import HTTPTypes
import HummingbirdCore
import Ledger
import MusterModel
import NIOCore

/// `POST /v1/orders/{name}/enrollments`: a station's batch, NDJSON both ways. A line for each row, as soon as what it
/// tells is on disk, while further rows come in.
struct BatchRoutes: Sendable {
  let rooms: ServiceRooms
  let strangers: StrangerLimits

  static let mediaType = "application/x-ndjson"

  var routes: [Route] {
    [
      .operation(
        .orderProvision, .post, "/v1/orders/{name}/enrollments", .init(parameters: ["batch"], isStreamed: true)
      ) { try await answer($0, $1) },
      .operation(.orderProvision, .post, "/v1/orders/{name}/check", .init(isStreamed: true)) {
        try await check($0, $1)
      },
      .operation(
        .orderProvision, .get, "/v1/orders/{name}/proof-tiles", .init(parameters: ["first", "last"])
      ) { try await proofTiles($0, $1) },
    ]
  }

  /// What a station makes its devices' proofs from: hashes of a stretch of the ledger.
  private func proofTiles(_ request: RoutedRequest, _ caller: Caller) async throws -> Answer {
    let order = try request.name()
    _ = try await DeviceEnrollment(rooms.instance).permitBatch(by: order, for: caller).answered()
    let positions = UInt64(0)...1 << 53
    guard let first = try request.query.number("first", in: positions),
      let last = try request.query.number("last", in: positions), first <= last, last - first < ProofTiles.widest
    else {
      throw Problem.badRequest(
        "parameter-malformed", "expected first and last, at most \(ProofTiles.widest) positions together")
    }
    guard let tiles = try await rooms.instance.ledger.proofTiles(first...last) else { throw Problem.positionUnknown }
    return try .json(tiles)
  }

  /// What would become of a manifest's rows: for whoever may provision by the order, and nothing is made.
  private func check(_ request: RoutedRequest, _ caller: Caller) async throws -> Answer {
    try BatchRoutes.expectRows(request)
    let order = try request.name()
    _ = try await DeviceEnrollment(rooms.instance).permitBatch(by: order, for: caller).answered()
    let rows = BatchRows(
      caller: caller, order: order, batch: RecordID(.batch, UUIDv7(at: request.at)), needsRequest: false)
    let flow = BatchCheckFlow(instance: rooms.instance, rows: rows)
    var answer = Answer(.ok, headers: [.contentType: BatchRoutes.mediaType])
    answer.stream = { [body = request.takeStream()] in try await flow.run(body, to: &$0) }
    return answer
  }

  static func expectRows(_ request: RoutedRequest) throws(Problem) {
    guard ESTBody.mediaType(request.headers.single(.contentType)) == mediaType else {
      throw Problem(.unsupportedMediaType, "content-type-unsupported", detail: "expected \(mediaType)")
    }
  }

  private func answer(_ request: RoutedRequest, _ caller: Caller) async throws -> Answer {
    try BatchRoutes.expectRows(request)
    let batch = try request.batch(request.query["batch"] ?? "")
    let order = try request.name()
    _ = try await DeviceEnrollment(rooms.instance).permitBatch(by: order, for: caller).answered()
    guard let issuer = rooms.instance.authorities.issuer(for: .devices) else {
      throw Problem(.serviceUnavailable, "vault-sealed", detail: "expected an unsealed vault, found it sealed")
        .adding(.retryAfter, "5")
    }
    let head = BatchHead(
      batch: batch, issuers: [Base64Field.encode(issuer.certificate)], order: order,
      trustAnchor: Base64Field.encode(rooms.instance.authorities.root))
    let (source, clock) = (request.peer.source, rooms.instance.clock)
    let flow = BatchFlow(
      enrollment: DeviceEnrollment(rooms.instance), rows: BatchRows(caller: caller, order: order, batch: batch)
    ) { [strangers] in strangers.refused(source, code: $0.code, at: clock.now()) }
    var answer = Answer(.ok, headers: [.contentType: BatchRoutes.mediaType])
    answer.stream = { [body = request.takeStream()] in try await flow.run(body, head: head, to: &$0) }
    return answer
  }
}

/// The first line of an answer: what is the same for every row.
struct BatchHead: CanonicalJSON {
  let batch: RecordID
  /// The certificates above the devices', DER in base64.
  let issuers: [String]
  let order: RecordName
  let trustAnchor: String

  func write(to json: inout JSONWriter) {
    json.field("batch", batch)
    json.field("issuers", texts: issuers)
    json.field("order", order)
    json.field("trustAnchor", trustAnchor)
  }
}

/// What came of one row.
struct BatchLine: CanonicalJSON {
  let row: UInt64
  let outcome: Outcome<Enrolled>

  func write(to json: inout JSONWriter) {
    switch outcome {
    case .done(let enrolled):
      json.field("certificate", base64: enrolled.chain.first)
      json.field("device", enrolled.device)
      json.field("deviceID", enrolled.deviceID)
      json.field("event", base64: enrolled.event)
      json.field("generation", number: enrolled.generation)
      if let certificate = enrolled.certificate { json.field("notAfter", certificate.notAfter) }
      json.field("position", number: enrolled.position)
      if let keys = enrolled.keys {
        json.field("primary", keys.primary.key)
        json.field("primaryVersion", number: UInt64(keys.primary.version))
      }
      json.field("row", number: row)
      if let keys = enrolled.keys {
        json.field("secondary", keys.secondary.key)
        json.field("secondaryVersion", number: UInt64(keys.secondary.version))
      }
      json.field("serial", enrolled.certificate?.serial)
    case .refused(let refusal):
      json.field("code", refusal.code)
      json.field("reason", refusal.reason)
      if refusal.kind == .unavailable { json.field("retry", bool: true) }
      json.field("row", number: row)
    }
  }
}

/// What every row says: which board, as which device, in which group.
struct BoardFields {
  let hardware: HardwareID
  let deviceID: DeviceID
  let group: RecordName?

  private static let names: Set = ["row", "hardware", "deviceID", "group"]

  /// `others` are the fields that the row may have beside these.
  init(_ object: FlatObject, beside others: Set<String>) throws(Refusal) {
    if let unknown = object.fields.first(where: { !BoardFields.names.contains($0.name) && !others.contains($0.name) }) {
      throw Refusal(
        .invalid, "field-unknown",
        "expected fields that openapi.yaml names, found \(excerpt(unknown.name, upTo: 64))")
    }
    guard let text = object.text("hardware"), case .success(let hardware) = HardwareID.parse(text) else {
      throw Refusal(.invalid, "hardware-id-malformed", "expected a hardware ID in hardware, found something else")
    }
    guard let deviceID = object.text("deviceID").flatMap({ DeviceID($0) }) else {
      throw Refusal(.invalid, "device-id-malformed", "expected a device ID (\(DeviceID.rule)) in deviceID")
    }
    let group = object.text("group").map { RecordName($0) }
    if case .some(nil) = group {
      throw Refusal(.invalid, "name-malformed", "expected a group's name (\(RecordName.rule)) in group")
    }
    (self.hardware, self.deviceID, self.group) = (hardware, deviceID, group ?? nil)
  }
}

/// Rows out of the bytes of a body, and the requests that they are.
struct BatchRows: Sendable {
  let caller: Caller
  let order: RecordName
  let batch: RecordID
  /// Whether a row without `csr` is none.
  var needsRequest = true

  /// In bytes.
  static let lineLength = 16_384

  /// A row as it is to be enrolled, or why it is none.
  struct Row: Sendable {
    let number: UInt64
    let request: Result<EnrollmentRequest, Refusal>
  }

  /// nil where the line is no row at all: nobody could tell which it was.
  func row(_ line: some Sequence<UInt8>) -> Row? {
    guard let object = FlatObject(line), let number = object.number("row") else { return nil }
    return Row(number: number, request: Result { () throws(Refusal) in try request(object) })
  }

  private func request(_ object: FlatObject) throws(Refusal) -> EnrollmentRequest {
    let board = try BoardFields(object, beside: ["csr", "claim", "credentials"])
    let station = StationRequest(
      caller: caller, order: order, batch: batch, hardware: board.hardware, deviceID: board.deviceID)
    return EnrollmentRequest(
      evidence: .station(station), wish: try wish(object), label: board.group, source: caller.source)
  }

  private func wish(_ object: FlatObject) throws(Refusal) -> EnrollmentRequest.Wish {
    let text = object.text("credentials") ?? DeviceCredentials.certificate.rawValue
    guard let credentials = DeviceCredentials(rawValue: text), object["claim"] == nil || object["csr"] == nil else {
      throw Refusal(.invalid, "credentials-malformed", "expected certificate, key or both, with a csr or a claim")
    }
    if credentials == .key {
      // Before a key is made there is no claim either: nobody's stands for it.
      let nobodys = needsRequest ? nil : [UInt8](repeating: 0, count: EnrollmentClaim.size)
      guard let claim = (bytes("claim", object) ?? nobodys).flatMap({ EnrollmentClaim($0) }) else {
        throw Refusal(.invalid, "claim-malformed", "expected base64 of \(EnrollmentClaim.size) bytes in claim")
      }
      return .keys(claim)
    }
    guard let csr = bytes("csr", object) ?? (needsRequest || object["csr"] != nil ? nil : []) else {
      throw Refusal(.invalid, "base64-malformed", "expected base64 in csr")
    }
    return credentials == .both ? .both(csr) : .certificate(csr)
  }

  private func bytes(_ field: String, _ object: FlatObject) -> [UInt8]? {
    object.text(field).flatMap { Base64.decode(Array($0.utf8)) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}
