import Crypto
import DeviceRegistry
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

/// Each key and request is here, on disk, before the service hears of it: after a cut the same request is sent again, and
/// gets the same certificate.
struct StationJournal {
  let order: RecordName
  let batch: RecordID
  private let credentials: DeviceCredentials
  private let file: AppendFile
  /// Of boards that are not made yet: what a run that was cut off had sent.
  private var kept: [HardwareID: Kept] = [:]

  private struct Kept {
    /// nil beside a claim.
    let key: P256.Signing.PrivateKey?
    let request: [UInt8]
  }

  private struct Head: CanonicalJSON {
    let order: RecordName
    let batch: RecordID
    func write(to json: inout JSONWriter) {
      json.field("batch", batch)
      json.field("order", order)
      json.field("v", number: 1)
    }
  }

  private struct Entry: CanonicalJSON {
    let hardware: HardwareID
    let key: P256.Signing.PrivateKey?
    let request: [UInt8]
    func write(to json: inout JSONWriter) {
      let request = Data(request).base64EncodedString()
      if key == nil { json.field("claim", request) } else { json.field("csr", request) }
      json.field("hardware", hardware)
      json.field("key", key?.rawRepresentation.base64EncodedString())
    }
  }

  /// The journal of the run that was cut off, or of a new one. What is made needs no key any more.
  init(_ files: StationFiles, order: RecordName, credentials: DeviceCredentials, isMade: (HardwareID) -> Bool) throws {
    file = try AppendFile(files.journal)
    var head: (order: RecordName, batch: RecordID)?
    var kept: [HardwareID: Kept] = [:]
    let path = files.journal
    try file.lines { line in
      guard let object = FlatObject(line) else { throw StationJournal.damaged(path) }
      guard head != nil else {
        guard object.number("v") == 1, let name = object.text("order").flatMap({ RecordName($0) }),
          let batch = object.text("batch").flatMap({ RecordID($0) })
        else { throw StationJournal.damaged(path) }
        head = (name, batch)
        return
      }
      let (hardware, entry) = try StationJournal.entry(object, path)
      if !isMade(hardware) { kept[hardware] = entry }
    }
    if let head, head.order.folded != order.folded, !kept.isEmpty {
      throw CommandFailure(
        "expected to go on with order \(head.order), whose run was cut off here, found --order \(order): "
          + "finish that first, or take another --out")
    }
    self.order = order
    self.credentials = credentials
    self.kept = kept
    if let head, head.order.folded == order.folded {
      batch = head.batch
    } else {
      batch = RecordID(.batch, UUIDv7(at: SystemClock().now()))
      try file.clear()
      try file.append(JSONWriter.bytes(of: Head(order: order, batch: batch)) + [UInt8(ascii: "\n")])
      try file.sync()
    }
  }

  private static func entry(_ object: FlatObject, _ path: String) throws -> (HardwareID, Kept) {
    let hardware = object.text("hardware").flatMap { try? HardwareID.parse($0).get() }
    if let hardware, let claim = object.text("claim").flatMap({ Data(base64Encoded: $0) }) {
      return (hardware, Kept(key: nil, request: [UInt8](claim)))
    }
    guard let hardware, let raw = object.text("key").flatMap({ Data(base64Encoded: $0) }),
      let key = try? P256.Signing.PrivateKey(rawRepresentation: raw),
      let request = object.text("csr").flatMap({ Data(base64Encoded: $0) })
    else { throw damaged(path) }
    return (hardware, Kept(key: key, request: [UInt8](request)))
  }

  private static func damaged(_ path: String) -> CommandFailure {
    CommandFailure("expected a station's journal at \(path), found something else: it cannot be gone on from")
  }

  /// The boards of these rows, each with the key and request that it had or with new ones, all of them on disk.
  mutating func boards(_ rows: [(number: UInt64, row: ManifestRow)]) throws -> [PendingBoard] {
    var (boards, new): ([PendingBoard], [UInt8]) = ([], [])
    for (number, row) in rows {
      if let request = row.request, credentials.hasCertificate {
        boards.append(
          PendingBoard(number: number, row: row, key: nil, request: request, credentials: credentials))
        continue
      }
      let known = kept.removeValue(forKey: row.hardware)
      let own = try known ?? own(row)
      boards.append(
        PendingBoard(number: number, row: row, key: own.key, request: own.request, credentials: credentials))
      if known == nil {
        new += JSONWriter.bytes(of: Entry(hardware: row.hardware, key: own.key, request: own.request))
        new.append(UInt8(ascii: "\n"))
      }
    }
    if !new.isEmpty {
      try file.append(new)
      try file.sync()
    }
    return boards
  }

  /// A key and its request; where the board gets symmetric keys alone, a claim.
  private func own(_ row: ManifestRow) throws -> Kept {
    guard credentials.hasCertificate else {
      return Kept(key: nil, request: SecretBytes.random(count: EnrollmentClaim.size).withUnsafeBytes { Array($0) })
    }
    let peer = PeerKey()
    return Kept(key: peer.key, request: try peer.request(commonName: row.deviceID.text))
  }

  /// The run is over: no key is needed here any more. The batch is kept.
  func finish() throws {
    try file.clear()
    try file.append(JSONWriter.bytes(of: Head(order: order, batch: batch)) + [UInt8(ascii: "\n")])
    try file.sync()
  }
}
