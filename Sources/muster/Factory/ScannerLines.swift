import Foundation

/// Lines of standard input, of which no more is held than a hardware ID may have. A longer one is cut off there: it is
/// none.
struct ScannerLines {
  private let descriptor: Int32
  private var pending: ArraySlice<UInt8> = []
  private var isAtEnd = false

  /// In bytes.
  static let limit = 1024

  init(_ descriptor: Int32 = STDIN_FILENO) { self.descriptor = descriptor }

  /// Without its end; nil past the last.
  mutating func next() -> String? {
    var (line, isBegun): ([UInt8], Bool) = ([], false)
    while true {
      if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        line += pending[..<end].prefix(ScannerLines.limit - line.count)
        pending = pending[(end + 1)...]
        return String(decoding: line, as: UTF8.self)
      }
      isBegun = isBegun || !pending.isEmpty
      line += pending.prefix(ScannerLines.limit - line.count)
      pending = []
      guard !isAtEnd else { return isBegun ? String(decoding: line, as: UTF8.self) : nil }
      var piece = [UInt8](repeating: 0, count: 4096)
      let count = read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      isAtEnd = count <= 0
      pending = piece[..<max(0, count)]
    }
  }
}
