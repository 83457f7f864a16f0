import Enrollment
import HummingbirdCore
import MusterModel
import NIOCore

/// A manifest that is checked against the registry: each piece of it is answered before the next is read, so that a
/// manifest of any length takes no more than a piece does.
struct BatchCheckFlow: Sendable {
  let instance: Instance
  let rows: BatchRows

  /// The most rows that are decided from one snapshot.
  private static let chunk = 128

  func run(_ body: RequestBody, to writer: inout any ResponseBodyWriter) async throws {
    var reading = BatchReading { rows.row($0) }
    var check = BoardCheck(instance)
    for try await piece in body {
      let rows = reading.rows(in: piece)
      for start in stride(from: 0, to: rows.count, by: BatchCheckFlow.chunk) {
        let chunk = rows[start..<min(rows.count, start + BatchCheckFlow.chunk)]
        try await writer.write(ByteBuffer(bytes: try await lines(of: chunk, &check)))
      }
      if reading.isBroken { break }
    }
    if reading.isBroken { try await writer.write(BatchReading<BatchRows.Row>.brokenLine) }
    try await writer.finish(nil)
  }

  private func lines(of chunk: ArraySlice<BatchRows.Row>, _ check: inout BoardCheck) async throws -> [UInt8] {
    var refusals = try await check.refusals(of: chunk.compactMap { try? $0.request.get() })[...]
    var lines: [UInt8] = []
    for row in chunk {
      let refusal: Refusal? =
        switch row.request {
        case .failure(let refusal): refusal
        case .success: refusals.popFirst() ?? nil
        }
      lines += JSONWriter.bytes(of: CheckedLine(row: row.number, refusal: refusal)) + [UInt8(ascii: "\n")]
    }
    return lines
  }
}

/// What would become of a row: its number alone where nothing speaks against it.
struct CheckedLine: CanonicalJSON {
  let row: UInt64
  let refusal: Refusal?

  func write(to json: inout JSONWriter) {
    json.field("code", refusal?.code)
    json.field("reason", refusal?.reason)
    json.field("row", number: row)
  }
}
