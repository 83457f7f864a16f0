import Foundation
import Ledger
import MusterModel
import Testing

@testable import SQLiteStore

/// `Docs/formats.md` says what is on disk: what these tests find to be there, it must name.
@Suite struct FormatsPageTests {
  private let page: String

  init() throws { page = try String(contentsOf: Vectors.project.appending(path: "Docs/formats.md"), encoding: .utf8) }

  @Test(arguments: Vectors.kinds) func `each kind has a row that names each of its fields`(kind: String) throws {
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `\(kind)` |") }
    let row = try #require(rows.count == 1 ? rows[0] : nil, "\(rows.count) rows")
    let cells = row.split(separator: "|").map { String($0) }
    let line = try JSONSerialization.jsonObject(with: Data(Vectors.line(of: kind)))
    let body = try #require((line as? [String: Any])?["body"])
    expect(names(in: body), in: cells[1])
    let hasDetails = try Vectors.names(in: "details").contains(kind)
    #expect(hasDetails == (cells[2] != " – "))
    guard hasDetails else { return }
    expect(
      names(in: try JSONSerialization.jsonObject(with: Data(Vectors.attachment(of: kind).dropFirst(16)))), in: cells[2])
  }

  /// A row of a kind that is no more, or not yet, says what nobody writes.
  @Test func `no row tells of a kind that is not there`() throws {
    let section = try #require(
      page.components(separatedBy: "### Kinds").last?.components(separatedBy: "### Checkpoints").first)
    let rows = section.split(separator: "\n").filter { $0.hasPrefix("| `") }
    #expect(rows.map { String($0.split(separator: "`")[1]) }.sorted() == Vectors.kinds)
  }

  @Test func `each field of the line has a row`() throws {
    let lines = try Vectors.kinds.map { try JSONSerialization.jsonObject(with: Data(Vectors.line(of: $0))) }
    for name in Set(lines.compactMap { $0 as? [String: Any] }.flatMap(\.keys)) {
      #expect(page.contains("\n| `\(name)` |"), "\(name)")
    }
  }

  @Test func `the ledger's tables stand there as they are made`() { #expect(page.contains(ledgerTables)) }

  @Test func `the root of the vectors' ledger stands there`() throws {
    var tree = MerkleTree()
    for line in try Vectors.ledger() { _ = tree.append(MerkleHash.leaf(line)) }
    #expect(page.contains("`\(tree.root.hex)`"))
    #expect(
      page.contains(
        Checkpoint(origin: try #require(LedgerOrigin("plant.example/muster/k7/0")), size: tree.size, root: tree.root)
          .text))
  }

  @Test func `each shipped profile has its column, with its times`() throws {
    let folder = Vectors.project.appending(path: "PKI/profiles")
    let lines = page.split(separator: "\n")
    let head = try #require(lines.first { $0.hasPrefix("| | `device`") }).split(separator: "|").map { String($0) }
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) where file.hasSuffix(".yaml") {
      let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      let column = try #require(head.firstIndex(of: " `\(file.dropLast(5))` "), "\(file)")
      for (row, key) in [("| validity | 3", "validity"), ("| overlap after", "overlap")] {
        let wanted = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(key): ") }).dropFirst(
          key.count + 2)
        let cells = try #require(lines.first { $0.hasPrefix(row) }).split(separator: "|")
        #expect(cells[column] == " \(wanted) ", "\(key) of \(file)")
      }
    }
  }

  private func expect(_ names: Set<String>, in cell: String) {
    for name in names { #expect(cell.contains("`\(name)`"), "\(name)") }
  }

  /// The names of all fields, at any depth.
  private func names(in value: Any) -> Set<String> {
    switch value {
    case let object as [String: Any]: Set(object.keys).union(object.values.flatMap { names(in: $0) })
    case let list as [Any]: Set(list.flatMap { names(in: $0) })
    default: []
    }
  }
}
