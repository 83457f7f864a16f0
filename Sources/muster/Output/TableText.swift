import Foundation

/// A table that fits a terminal: what is too long is cut, with an ellipsis, the longest columns first.
struct TableText {
  let titles: [String]
  /// Columns that are cut last.
  let isWhole: [Bool]
  let rows: [[String]]

  private static let gap = 2
  /// No column is cut to less than this.
  private static let leastWidth = 6

  /// The lines, each at most `width` characters where that leaves every column something to read.
  func lines(width: Int) -> [String] {
    let all = [titles.map { $0.uppercased() }] + rows
    let widths = fitted(titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }, into: width)
    return all.map { row in
      var line = zip(row, widths).map { cut($0, to: $1).padded(to: $1) }
        .joined(separator: String(repeating: " ", count: TableText.gap))[...]
      while line.last == " " { line.removeLast() }
      return String(line)
    }
  }

  private func fitted(_ natural: [Int], into width: Int) -> [Int] {
    var widths = natural
    for canCut in [{ !isWhole[$0] }, { _ in true }] as [(Int) -> Bool] {
      while widths.reduce(TableText.gap * (widths.count - 1), +) > width {
        let longest = widths.indices.filter { canCut($0) && widths[$0] > TableText.leastWidth }
          .max { widths[$0] < widths[$1] }
        guard let longest else { break }
        widths[longest] -= 1
      }
    }
    return widths
  }

  private func cut(_ text: String, to width: Int) -> String {
    text.count <= width ? text : text.prefix(width - 1) + "…"
  }

  /// The terminal's columns; else what COLUMNS says; else 120.
  static func terminalWidth() -> Int {
    var size = winsize()
    if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return max(Int(size.ws_col), 40) }
    let told = ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init)
    return told.map { max($0, 40) } ?? 120
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
