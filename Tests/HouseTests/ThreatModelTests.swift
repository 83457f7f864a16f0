import Foundation
import Testing

/// `Docs/threat-model.md` names the tests that show what it says: each is to be there, in the file or suite it names.
@Suite struct ThreatModelTests {
  @Test func `every test that the threat model names is in the sources`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appending(path: "Docs/threat-model.md"), encoding: .utf8)
    let files = try #require(
      FileManager.default.enumerator(at: root.appending(path: "Tests"), includingPropertiesForKeys: nil))
    let sources = try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map {
      (name: $0.deletingPathExtension().lastPathComponent, text: try String(contentsOf: $0, encoding: .utf8))
    }
    var found = 0
    for line in page.split(separator: "\n") where line.hasPrefix("| ") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 3, let colon = cells[2].firstIndex(of: ":") else { continue }
      let file = cells[2][..<colon]
      for name in cells[2].split(separator: "`").enumerated().filter({ !$0.offset.isMultiple(of: 2) }).map(\.element) {
        #expect(sources.contains { $0.name == file && $0.text.contains("func `\(name)`") }, "\(file): \(name)")
        found += 1
      }
    }
    #expect(found > 20)
  }
}
