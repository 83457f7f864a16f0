import Crypto
import DeviceRegistry
import Enrollment
import Foundation
import Manifests
import MusterModel

/// A board on its way: its row, its key where that was made here, and its request.
struct PendingBoard: Sendable {
  let number: UInt64
  let row: ManifestRow
  let key: P256.Signing.PrivateKey?
  /// PKCS #10, DER; of a board that gets symmetric keys alone, its claim.
  let request: [UInt8]
  let credentials: DeviceCredentials

  /// The line that asks for it.
  var line: [UInt8] { JSONWriter.bytes(of: self) + [UInt8(ascii: "\n")] }
}

extension PendingBoard: CanonicalJSON {
  func write(to json: inout JSONWriter) {
    if !credentials.hasCertificate { json.field("claim", Data(request).base64EncodedString()) }
    if credentials != .certificate { json.field("credentials", credentials.rawValue) }
    if credentials.hasCertificate { json.field("csr", Data(request).base64EncodedString()) }
    json.field("deviceID", row.deviceID)
    json.field("group", row.group)
    json.field("hardware", row.hardware)
    json.field("row", number: number)
  }
}

/// A key that was made here, and the request that it signed; where a board gets symmetric keys alone, its claim.
struct KeyedRequest: Sendable {
  /// nil beside a claim.
  let key: P256.Signing.PrivateKey?
  /// PKCS #10, DER, or a claim.
  let request: [UInt8]
  /// Whether the journal holds it.
  let isKept: Bool

  fileprivate init(key: P256.Signing.PrivateKey?, request: [UInt8], isKept: Bool) {
    (self.key, self.request, self.isKept) = (key, request, isKept)
  }

  init(for id: DeviceID, _ credentials: DeviceCredentials) throws {
    guard credentials.hasCertificate else {
      let claim = SecretBytes.random(count: EnrollmentClaim.size).withUnsafeBytes { Array($0) }
      self.init(key: nil, request: claim, isKept: false)
      return
    }
    let peer = PeerKey()
    self.init(key: peer.key, request: try peer.request(commonName: id.text), isKept: false)
  }

  /// Its line in the journal; none where it is there already.
  fileprivate func line(of hardware: HardwareID) -> [UInt8] { isKept ? [] : entry(of: hardware) }

  fileprivate func entry(of hardware: HardwareID) -> [UInt8] {
    JSONWriter.bytes(of: Entry(hardware: hardware, keyed: self)) + [UInt8(ascii: "\n")]
  }

  private struct Entry: CanonicalJSON {
    let hardware: HardwareID
    let keyed: KeyedRequest
    func write(to json: inout JSONWriter) {
      let request = Data(keyed.request).base64EncodedString()
      if keyed.key == nil { json.field("claim", request) } else { json.field("csr", request) }
      json.field("hardware", hardware)
      json.field("key", keyed.key?.rawRepresentation.base64EncodedString())
    }
  }
}

/// Each key and request is here, on disk, before the service hears of it: after a cut the same request is sent again, and
/// gets the same certificate.
struct StationJournal {
  let order: OrderSummary
  let batch: RecordID
  let credentials: DeviceCredentials
  private let path: String
  private var file: AppendFile
  /// Of boards that are not made yet: what a run that was cut off had sent.
  private var kept: [HardwareID: KeyedRequest] = [:]
  /// How many keys and requests this run wrote to it since it was empty.
  private(set) var written = 0

  /// The journal's first line: of which order and run it is.
  private struct Head: CanonicalJSON {
    let order: RecordName
    /// The order itself: a name may be another's once its order is closed.
    let record: RecordID?
    let batch: RecordID
    let credentials: DeviceCredentials?

    init(_ order: OrderSummary, _ batch: RecordID, _ credentials: DeviceCredentials) {
      (self.order, record, self.batch, self.credentials) = (order.name, order.record, batch, credentials)
    }

    init?(_ object: FlatObject) {
      guard object.number("v") == 1, let order = object.text("order").flatMap({ RecordName($0) }),
        let batch = object.text("batch").flatMap({ RecordID($0) })
      else { return nil }
      (self.order, self.batch) = (order, batch)
      record = object.text("record").flatMap { RecordID($0) }
      credentials = object.text("credentials").flatMap { DeviceCredentials(rawValue: $0) }
    }

    func isOf(_ order: OrderSummary) -> Bool {
      self.order.folded == order.name.folded && (record ?? order.record) == order.record
    }

    func write(to json: inout JSONWriter) {
      json.field("batch", batch)
      json.field("credentials", credentials?.rawValue)
      json.field("order", order)
      json.field("record", record)
      json.field("v", number: 1)
    }
  }

  /// The journal of the run that was cut off, or of a new one. What is made needs no key any more.
  init(
    _ files: StationFiles, order: OrderSummary, credentials: DeviceCredentials, isMade: (HardwareID) throws -> Bool
  ) throws {
    path = files.journal
    file = try AppendFile(path)
    var head: Head?
    var kept: [HardwareID: KeyedRequest] = [:]
    let path = path
    try file.lines { line in
      guard let object = FlatObject(line) else { throw StationJournal.damaged(path) }
      guard head != nil else {
        head = Head(object)
        if head == nil { throw StationJournal.damaged(path) }
        return
      }
      let (hardware, entry) = try StationJournal.entry(object, path)
      if try !isMade(hardware) { kept[hardware] = entry }
    }
    if let head, !kept.isEmpty {
      guard head.isOf(order) else {
        throw CommandFailure(
          "expected to go on with order \(head.order), whose run was cut off here, found \(order.name), \(order.record): "
            + "finish that first, or take another --out")
      }
      // What was asked for in another way gets no answer again, and its key would be lost.
      guard (head.credentials ?? credentials) == credentials else {
        throw CommandFailure(
          "expected to go on with --credentials \(head.credentials?.rawValue ?? ""), whose run was cut off here, found "
            + "\(credentials.rawValue): finish that first, or take another --out")
      }
    }
    self.order = order
    self.credentials = credentials
    self.kept = kept
    batch =
      head.flatMap { $0.isOf(order) ? $0.batch : nil } ?? RecordID(.batch, UUIDv7(at: SystemClock().now()))
    if kept.isEmpty {
      try file.clear()
      try file.append(JSONWriter.bytes(of: Head(order, batch, credentials)) + [UInt8(ascii: "\n")])
      try file.sync()
    }
  }

  private static func entry(_ object: FlatObject, _ path: String) throws -> (HardwareID, KeyedRequest) {
    let hardware = object.text("hardware").flatMap { try? HardwareID.parse($0).get() }
    if let hardware, let claim = object.text("claim").flatMap({ Data(base64Encoded: $0) }) {
      return (hardware, KeyedRequest(key: nil, request: [UInt8](claim), isKept: true))
    }
    guard let hardware, let raw = object.text("key").flatMap({ Data(base64Encoded: $0) }),
      let key = try? P256.Signing.PrivateKey(rawRepresentation: raw),
      let request = object.text("csr").flatMap({ Data(base64Encoded: $0) })
    else { throw damaged(path) }
    return (hardware, KeyedRequest(key: key, request: [UInt8](request), isKept: true))
  }

  private static func damaged(_ path: String) -> CommandFailure {
    CommandFailure("expected a station's journal at \(path), found something else: it cannot be gone on from")
  }

  /// Whether a key is to be made for the board.
  func lacksKey(_ row: ManifestRow) -> Bool { ownRequest(row) == nil && kept[row.hardware] == nil }

  /// The board's own, where a certificate is asked for.
  private func ownRequest(_ row: ManifestRow) -> [UInt8]? { credentials.hasCertificate ? row.request : nil }

  /// The boards of these rows, each with the key and request that it had or with its own of `new`, which are in the order
  /// of the rows that lack one; all of them on disk.
  mutating func boards(_ rows: [(number: UInt64, row: ManifestRow)], new: [KeyedRequest]) throws -> [PendingBoard] {
    var (boards, lines, new): ([PendingBoard], [UInt8], ArraySlice<KeyedRequest>) = ([], [], new[...])
    for (number, row) in rows {
      if let request = ownRequest(row) {
        boards.append(PendingBoard(number: number, row: row, key: nil, request: request, credentials: credentials))
      } else if let known = kept.removeValue(forKey: row.hardware) ?? new.popFirst() {
        boards.append(
          PendingBoard(number: number, row: row, key: known.key, request: known.request, credentials: credentials))
        lines += known.line(of: row.hardware)
      }
    }
    if !lines.isEmpty {
      try file.append(lines)
      try file.sync()
      written += rows.count
    }
    return boards
  }

  /// All that was asked for is settled: no key of it is needed here any more. What stays are the batch, and the keys of
  /// boards that an earlier run had asked for and this one did not: the service may have made them devices.
  mutating func finish() throws {
    let next = try AppendFile(path + ".new")
    try next.clear()
    try next.append(JSONWriter.bytes(of: Head(order, batch, credentials)) + [UInt8(ascii: "\n")])
    for (hardware, keyed) in kept { try next.append(keyed.entry(of: hardware)) }
    try next.sync()
    guard rename(next.path, path) == 0 else {
      throw CommandFailure("expected to write \(path), found: \(systemError())")
    }
    try syncFolder(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    try file.clear()
    file = next
    written = 0
  }
}
