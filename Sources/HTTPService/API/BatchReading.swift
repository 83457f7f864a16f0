import NIOCore

/// Rows out of a body, piece by piece: what is held is the line at hand.
struct BatchReading {
  private let rows: BatchRows
  private var line: [UInt8] = []
  /// Whether a line was no row: nothing after it is read.
  private(set) var isBroken = false

  init(_ rows: BatchRows) { self.rows = rows }

  /// The rows whose lines end in `piece`.
  mutating func rows(in piece: ByteBuffer) -> [BatchRows.Row] {
    var found: [BatchRows.Row] = []
    var rest = piece.readableBytesView[...]
    while !isBroken, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      line += rest[..<end]
      rest = rest[(end + 1)...]
      if line.isEmpty { continue }
      if line.count <= BatchRows.lineLength, let row = rows.row(line) {
        found.append(row)
      } else {
        isBroken = true
      }
      line.removeAll(keepingCapacity: true)
    }
    line += rest
    if line.count > BatchRows.lineLength { isBroken = true }
    return found
  }

  /// What is answered to a line that is no row.
  static let brokenLine = ByteBuffer(
    string: #"{"code":"row-malformed","reason":"expected one JSON object with a row number on a line, found another"}"#
      + "\n")
}
