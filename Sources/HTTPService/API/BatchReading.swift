import NIOCore

/// Rows out of a body, piece by piece: what is held is the line at hand.
struct BatchReading<Row> {
  private let row: ([UInt8]) -> Row?
  private var line: [UInt8] = []
  /// Whether a line was no row: nothing after it is read.
  private(set) var isBroken = false

  /// `row` makes a row of a line; nil where that is none.
  init(_ row: @escaping ([UInt8]) -> Row?) { self.row = row }

  /// The rows whose lines end in `piece`.
  mutating func rows(in piece: ByteBuffer) -> [Row] {
    var found: [Row] = []
    var rest = piece.readableBytesView[...]
    while !isBroken, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      line += rest[..<end]
      rest = rest[(end + 1)...]
      if line.isEmpty { continue }
      if line.count <= BatchRows.lineLength, let row = row(line) {
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
  static var brokenLine: ByteBuffer {
    ByteBuffer(
      string:
        #"{"code":"row-malformed","reason":"expected one JSON object with a row number on a line, found another"}"#
        + "\n")
  }
}
