import ArgumentParser
import Foundation
import MusterModel

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case table, json, csv
}

/// How a result is written. Standard output holds the result and nothing else.
struct Output: ParsableArguments {
  @Option(help: "table, json (one object a line) or csv.")
  var output = OutputFormat.table

  /// Writes rows as they come; a table is kept until its widths are known.
  func listing<Row: Encodable>(_ columns: [Column<Row>]) -> ListingWriter<Row> {
    ListingWriter(format: output, columns: columns)
  }

  /// Writes one result: `lines` for people, the value itself otherwise.
  func result<Value: Encodable>(_ value: Value, lines: [(String, String?)]) throws {
    switch output {
    case .table:
      let width = lines.map(\.0.count).max() ?? 0
      for (name, text) in lines {
        guard let text else { continue }
        print(name.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + printable(text))
      }
    case .json: print(try jsonLine(value))
    case .csv:
      print(lines.map { csvField($0.0) }.joined(separator: ","))
      print(lines.map { csvField($0.1 ?? "") }.joined(separator: ","))
    }
  }
}

struct Column<Row> {
  let title: String
  /// An identifier that the next command asks for: cut last of all.
  let isWhole: Bool
  let text: (Row) -> String?
  /// What a table shows in its place.
  let shown: (Row) -> String?

  init(_ title: String, isWhole: Bool = false, _ text: @escaping (Row) -> String?) {
    self.title = title
    self.isWhole = isWhole
    self.text = text
    shown = text
  }

  /// In a table the short form, whole.
  init(_ title: String, short: @escaping (Row) -> String?, _ text: @escaping (Row) -> String?) {
    self.title = title
    isWhole = true
    self.text = text
    shown = short
  }

  init(_ title: String, time: @escaping (Row) -> Timestamp?) {
    self.title = title
    isWhole = false
    text = { time($0)?.description }
    shown = { time($0).map(shortTime) }
  }
}

/// To the minute, UTC.
func shortTime(_ time: Timestamp) -> String {
  String(time.description.prefix(16)).replacing("T", with: " ")
}

/// To the minute, UTC, the day only where it is not today's.
func shortestTime(_ time: Timestamp) -> String {
  let now = shortTime(SystemClock().now())
  let then = shortTime(time)
  return then.prefix(10) == now.prefix(10) ? String(then.suffix(5)) : then
}

struct ListingWriter<Row: Encodable> {
  private let format: OutputFormat
  private let columns: [Column<Row>]
  private var kept: [[String]] = []

  init(format: OutputFormat, columns: [Column<Row>]) {
    self.format = format
    self.columns = columns
    if format == .csv { print(columns.map { csvField($0.title) }.joined(separator: ",")) }
  }

  /// Throws where nobody reads any more: the rest of a long listing would be fetched for nobody.
  mutating func add(_ row: Row) throws {
    guard StandardOutput.isRead else { throw ExitCode(1) }
    switch format {
    case .table: kept.append(columns.map { printable($0.shown(row) ?? "–") })
    case .json: print(try jsonLine(row))
    case .csv: print(columns.map { csvField($0.text(row) ?? "") }.joined(separator: ","))
    }
  }

  func finish() {
    guard format == .table else { return }
    let table = TableText(titles: columns.map(\.title), isWhole: columns.map(\.isWhole), rows: kept)
    for line in table.lines(width: TableText.terminalWidth()) { print(line) }
  }
}

private func jsonLine(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// RFC 4180; a leading `= + - @` would be a formula to a spreadsheet, so it is quoted as text. By scalars: a quote is one
/// to who reads it, whatever mark combines with it here.
func csvField(_ text: String) -> String {
  let scalars = text.unicodeScalars
  let safe = scalars.first.map { "=+-@".unicodeScalars.contains($0) } == true ? "'" + text : text
  guard safe.unicodeScalars.contains(where: { "\",\r\n".unicodeScalars.contains($0) }) else { return safe }
  return "\"" + safe.unicodeScalars.reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) } + "\""
}

/// No control character of a record reaches the terminal.
private func printable(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
}
