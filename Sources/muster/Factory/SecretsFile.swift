import Crypto
import Enrollment
import Foundation
import KeyVault
import Manifests
import MusterModel
import SQLiteStore

/// What a run of `factory allow` needs to go on after it was cut off: its batch, and the seed that all its secrets come
/// from. It is on disk before the service hears of a secret, and gone once the secrets are in their file.
struct AllowJournal {
  let batch: RecordID
  private let order: OrderSummary
  private let seed: SymmetricKey
  private let file: AppendFile

  private struct Head: CanonicalJSON {
    let order: OrderSummary
    let batch: RecordID
    let seed: SymmetricKey?

    func write(to json: inout JSONWriter) {
      json.field("batch", batch)
      json.field("order", order.name)
      json.field("record", order.record)
      json.field("seed", seed.map { $0.withUnsafeBytes { Data($0).base64EncodedString() } })
      json.field("v", number: 1)
    }
  }

  init(_ files: StationFiles, _ order: OrderSummary) throws {
    file = try AppendFile(files.allowing)
    var head: FlatObject?
    try file.lines { head = FlatObject($0) }
    let isSame = head?.text("record") == order.record.description
    let kept = head?.text("seed").flatMap { Data(base64Encoded: $0) }
    guard isSame || kept == nil else {
      throw CommandFailure(
        "expected to go on with order \(head?.text("order") ?? ""), whose run was cut off here, found \(order.name), "
          + "\(order.record): finish that first, or take another --out")
    }
    self.order = order
    let known = isSame ? head?.text("batch").flatMap { RecordID($0) } : nil
    batch = known ?? RecordID(.batch, UUIDv7(at: SystemClock().now()))
    seed = kept.map { SymmetricKey(data: $0) } ?? SymmetricKey(size: .bits256)
    if kept == nil { try write(seed: seed) }
  }

  /// The secret of a row: the same for the same row as long as the run is not over. HKDF-SHA-256 (RFC 5869).
  func secret(of row: ManifestRow) -> TicketCode? {
    let info = Array("muster/one-time-secret/v1\0\(row.hardware)\0\(row.deviceID)".utf8)
    let key = HKDF<SHA256>.deriveKey(inputKeyMaterial: seed, info: info, outputByteCount: 10)
    return key.withUnsafeBytes { TicketCode(secret: SecretBytes(copying: $0)) }
  }

  /// The run is over. The batch is kept.
  func finish() throws { try write(seed: nil) }

  private func write(seed: SymmetricKey?) throws {
    try file.clear()
    try file.append(JSONWriter.bytes(of: Head(order: order, batch: batch, seed: seed)) + [UInt8(ascii: "\n")])
    try file.sync()
  }
}

/// `secrets.csv`: each board's one-time secret, to be printed. Written beside, synced, and put in its place once the run is
/// over; what stood in it of other boards stays.
struct SecretsFile {
  private let files: StationFiles
  private let file: AppendFile
  /// The boards of the file that is in place, and of the new one, by the hash of their hardware IDs.
  private let old: ScratchSet
  private let new: ScratchSet

  init(_ files: StationFiles) throws {
    self.files = files
    file = try AppendFile(files.secrets + ".new")
    try file.clear()
    try file.append(Array("hardware_id,device_id,secret,expires\n".utf8))
    (old, new) = (try ScratchSet(), try ScratchSet())
    try wholeLines(of: files.secrets) { _ = try old.insert(SecretsFile.board($0)) }
  }

  func contains(_ hardware: HardwareID) throws -> Bool { try old.contains(hardware.description.hashValue) }

  /// None of the texts holds what CSV would quote.
  func add(_ row: ManifestRow, _ code: TicketCode, expires: String) throws {
    _ = try new.insert(row.hardware.description.hashValue)
    try file.append(Array("\(row.hardware),\(row.deviceID),\(code.shown),\(expires)\n".utf8))
  }

  func finish() throws {
    guard try new.count() > 0 else {
      unlink(file.path)
      return
    }
    var isHeader = true
    try wholeLines(of: files.secrets) { line in
      if !isHeader, try !new.contains(SecretsFile.board(line)) { try file.append(line + [UInt8(ascii: "\n")]) }
      isHeader = false
    }
    try file.sync()
    guard rename(file.path, files.secrets) == 0 else {
      throw CommandFailure("expected to write \(files.secrets), found: \(systemError())")
    }
    try syncFolder(files.out)
  }

  private static func board(_ line: ArraySlice<UInt8>) -> Int {
    String(decoding: line.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self).hashValue
  }
}
