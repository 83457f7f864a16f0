import ArgumentParser
import Foundation
import Testing

@testable import muster

@Suite struct CommandLineTests {
  @Test(arguments: [40, 80, 100, 120])
  func `a table fits the terminal, and cuts identifiers last`(width: Int) {
    let table = TableText(
      titles: ["ticket", "device", "why"], isWhole: [true, false, false],
      rows: [["tkt_06bq0000000000000000000000", String(repeating: "d", count: 64), String(repeating: "w", count: 200)]])
    let lines = table.lines(width: width)
    #expect(lines.allSatisfy { $0.count <= width })
    #expect(lines[1].hasPrefix("tkt_06bq0000000000000000000000 ") == (width > 40))
    #expect(lines[1].contains("…"))
  }

  @Test func `a table that fits is not cut`() {
    let table = TableText(titles: ["a", "b"], isWhole: [false, false], rows: [["1", "two"], ["three", "4"]])
    #expect(table.lines(width: 80) == ["A      B", "1      two", "three  4"])
  }

  /// What RFC 4180 quotes is there as bytes, whatever a mark after it makes of the character.
  @Test(arguments: [
    ("plain", "plain"), ("a,b", "\"a,b\""), ("a\nb", "\"a\nb\""), ("a\r\nb", "\"a\r\nb\""), ("a\rb", "\"a\rb\""),
    ("say \"a\"", "\"say \"\"a\"\"\""), ("a,\u{301}b", "\"a,\u{301}b\""), ("a\"\u{301}b", "\"a\"\"\u{301}b\""),
    ("=1+1", "'=1+1"), ("=\u{301}1", "'=\u{301}1"), ("@a", "'@a"), ("", ""),
  ])
  func `a field of CSV holds what it was given, and no formula`(text: String, field: String) {
    #expect(csvField(text).utf8.elementsEqual(field.utf8), "\(csvField(text))")
  }

  @Test(arguments: ["\n", "\r\n", "\r", "\u{2028}"])
  func `a list of hardware is read whatever ends its lines`(end: String) {
    let text = ["\u{feff}mac:aabbcc001122", "", "# more", "  cpu-serial:01  ", "imei:350", ""].joined(separator: end)
    let rows = hardwareRows(of: text)
    #expect(rows.map(\.text) == ["mac:aabbcc001122", "cpu-serial:01", "imei:350"])
    #expect(rows.map(\.line) == [1, 4, 5], "as an editor counts them")
  }

  @Test func `a pending identity that an editor saved with CR LF is read`() throws {
    let out = FileManager.default.temporaryDirectory.appending(path: "muster-\(UUID().uuidString).pem").path
    let first = try PendingIdentity.at(out, commonName: "anna")
    defer { first.remove() }
    let text = try String(contentsOfFile: first.file, encoding: .utf8).replacing("\n", with: "\r\n")
    try Data(text.utf8).write(to: URL(fileURLWithPath: first.file))
    let again = try PendingIdentity.at(out, commonName: "anna")
    #expect(again.request == first.request && again.key.rawRepresentation == first.key.rawRepresentation)
    let certificate = Data("-----BEGIN CERTIFICATE-----\r\nMAA=\r\n-----END CERTIFICATE-----\r\n".utf8)
    #expect(try PEM.firstCertificate(Array(certificate)) == [0x30, 0])
  }

  @Test func `every command has help with an example`() {
    var commands = [Muster.self as any ParsableCommand.Type]
    var count = 0
    while let command = commands.popLast() {
      let configuration = command.configuration
      commands += configuration.subcommands
      guard configuration.subcommands.isEmpty else { continue }
      count += 1
      #expect(configuration.discussion.contains("Example: muster "), "\(command)")
      #expect(!configuration.abstract.isEmpty)
    }
    #expect(count > 40)
  }

  @Test func `a pending identity is the same key and request again`() throws {
    let out = FileManager.default.temporaryDirectory.appending(path: "muster-\(UUID().uuidString).pem").path
    let first = try PendingIdentity.at(out, commonName: "anna")
    let again = try PendingIdentity.at(out, commonName: "anna")
    #expect(again.request == first.request && again.key.rawRepresentation == first.key.rawRepresentation)
    let mode = try FileManager.default.attributesOfItem(atPath: first.file)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    first.remove()
    let fresh = try PendingIdentity.at(out, commonName: "anna")
    #expect(fresh.request != first.request)
    try Data("nothing".utf8).write(to: URL(fileURLWithPath: fresh.file))
    #expect(throws: CommandFailure.self) { try PendingIdentity.at(out, commonName: "anna") }
    fresh.remove()
  }
}
