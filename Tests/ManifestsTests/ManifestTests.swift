import MusterModel
import Synchronization
import Testing

@testable import Manifests

@Suite struct ManifestTests {
  @Test func `names that cannot be remembered end the reading, for one could come twice`() {
    struct NoRoom: Error {}
    var reader = ManifestReader { _ in throw NoRoom() }
    #expect(throws: ManifestError.notRemembered("NoRoom()")) {
      try reader.read(Array("hardware_id,device_id\ncpu-serial:e4b1,pump-1\n".utf8))
    }
  }

  private func read(_ text: String, naming: String? = nil) throws -> [ManifestLine] {
    var reader = ManifestReader(naming: naming.flatMap { DeviceIDPattern($0) }, isNew: SeenNames().insert)
    let lines = try reader.read(Array(text.utf8))
    return lines + [try reader.finish()].compactMap(\.self)
  }

  private func rows(_ text: String, naming: String? = nil) throws -> [String] {
    try read(text, naming: naming).map { line in
      switch line {
      case .row(let row): "\(row.line) \(row.hardware) \(row.deviceID)\(row.group.map { " \($0)" } ?? "")"
      case .fault(let fault): "\(fault.line) \(fault.code)"
      }
    }
  }

  @Test(arguments: [
    ("hardware_id,device_id\nmac:aa:bb:cc:00:11:22,pump-1\n", ["2 mac:aabbcc001122 pump-1"]),
    ("\u{feff}hardware_id,device_id\r\nmac:aabbcc001122,pump-1\r\n", ["2 mac:aabbcc001122 pump-1"]),
    ("Device_ID,HARDWARE_ID\npump-1,cpu-serial:e4b1c9d2", ["2 cpu-serial:e4b1c9d2 pump-1"]),
    ("\n  \nhardware_id,device_id\n\ncpu-serial:e4b1c9d2,pump-1\n\n", ["5 cpu-serial:e4b1c9d2 pump-1"]),
    ("hardware_id,device_id,group\n\"cpu-serial:e4b1c9d2\",\"pump-1\",pumps\n", ["2 cpu-serial:e4b1c9d2 pump-1 pumps"]),
    (
      "{\"hardware_id\":\"cpu-serial:e4b1c9d2\",\"device_id\":\"pump-1\",\"group\":null}\n",
      ["1 cpu-serial:e4b1c9d2 pump-1"]
    ),
    (
      "hardware_id,device_id,code,reason\ncpu-serial:e4b1c9d2,pump-1,key-taken,\"a, b\"\n",
      ["2 cpu-serial:e4b1c9d2 pump-1"]
    ),
  ]) func `what a manifest may look like`(text: String, expected: [String]) throws {
    #expect(try rows(text) == expected)
  }

  @Test(arguments: ["", "plain", "a,b", "say \"a\"", "a\"\u{301}b", "a,\u{301}", "\u{301}\"", "a\nb", "a\r\nb"])
  func `a field is read as it was written`(text: String) {
    let fields = CSVLine.fields(Array(CSVLine.text(text).utf8)[...])
    #expect(fields?.map { Array($0.utf8) } == [Array(text.utf8)])
  }

  @Test(arguments: [
    (",pump-1", "hardware-missing"), ("e4b1c9d2,pump-1", "hardware-id-malformed"),
    ("mac:000000000000,pump-1", "hardware-id-malformed"), ("cpu-serial:e4b1c9d2,", "device-id-missing"),
    ("cpu-serial:e4b1c9d2,pump 1", "device-id-malformed"), ("cpu-serial:e4b1c9d2,pump-{m}", "device-id-malformed"),
    ("cpu-serial:e4b1c9d2", "line-malformed"), ("cpu-serial:e4b1c9d2,pump-1,more", "line-malformed"),
    ("cpu-serial:e4b1c9d2,\"pump-1", "line-malformed"), ("cpu-serial:e4b1c9d2,pump\"-1", "line-malformed"),
    ("cpu-serial:e4b1c9d2,\"pump-1\"x", "line-malformed"),
    ("cpu-serial:\(String(repeating: "a", count: 17_000)),pump-1", "line-too-long"),
    ("cpu-serial:aaaa-1,pump-9", "hardware-twice"), ("cpu-serial:e4b1c9d2,PUMP-0", "device-id-twice"),
  ]) func `a bad line is named, and hides no other`(line: String, code: String) throws {
    let text = "hardware_id,device_id\ncpu-serial:aaaa-1,pump-0\n\(line)\ncpu-serial:aaaa-2,pump-2\n"
    #expect(
      try rows(text) == ["2 cpu-serial:aaaa-1 pump-0", "3 \(code)", "4 cpu-serial:aaaa-2 pump-2"])
  }

  @Test(arguments: [
    ("group", "pumps and more", "name-malformed"), ("csr", "not base64", "csr-malformed"),
    ("csr", String(repeating: "AAAA", count: 3000), "csr-malformed"), ("tags", "site", "tags-malformed"),
    ("tags", "a=1;a=2", "tags-malformed"),
    ("tags", (0...ManifestRow.tagLimit).map { "t\($0)=1" }.joined(separator: ";"), "tags-malformed"),
  ]) func `a bad cell is named`(column: String, cell: String, code: String) throws {
    let lines = try read("hardware_id,device_id,\(column)\ncpu-serial:e4b1c9d2,pump-1,\(cell)\n")
    guard case .fault(let fault)? = lines.first else {
      Issue.record("expected a fault")
      return
    }
    #expect(fault.code == code && fault.cells.hardware == "cpu-serial:e4b1c9d2")
  }

  @Test func `bytes that are not UTF-8 spoil their line alone`() throws {
    var reader = ManifestReader(isNew: SeenNames().insert)
    let bytes = Array("hardware_id,device_id\ncpu-serial:e4b1,pump-\u{0}".utf8.dropLast()) + [0xff]
    let lines = try reader.read(bytes + Array("\ncpu-serial:e4b2,pump-2\n".utf8))
    #expect(lines.count == 2)
    if case .row(let row)? = lines.last { #expect(row.line == 3) } else { Issue.record("expected a row") }
  }

  @Test func `request and tags are read`() throws {
    let line = try read("hardware_id,device_id,csr,tags\ncpu-serial:e4b1c9d2,pump-1,AAEC,site=Köln;lot=7\n").first
    guard case .row(let row)? = line else {
      Issue.record("expected a row")
      return
    }
    #expect(row.request == [0, 1, 2])
    #expect(row.tags.map { "\($0.name) \($0.value)" } == ["site Köln", "lot 7"])
  }

  @Test(arguments: [
    ("", ManifestError.noHeader), ("\n\n", .noHeader), ("hardware_id,\"device_id\n", .noHeader),
    ("hardware_id,device_id,color\n", .columnUnknown("color")),
    ("hardware_id,device_id,hardware_id\n", .columnTwice(.hardware)), ("device_id\n", .columnMissing(.hardware)),
    ("hardware_id\n", .columnMissing(.deviceID)),
  ]) func `a manifest without a header that reads is none`(text: String, error: ManifestError) throws {
    #expect(throws: error) { try read(text) }
  }

  @Test(arguments: [
    ("meter-{serial}", "2 cpu-serial:e4b1c9d2 meter-e4b1c9d2"), ("pump-{n:06}", "2 cpu-serial:e4b1c9d2 pump-000001"),
    ("{n}", "2 cpu-serial:e4b1c9d2 1"),
  ]) func `device IDs are made by a pattern`(naming: String, expected: String) throws {
    #expect(try rows("hardware_id\ncpu-serial:e4b1c9d2\n", naming: naming) == [expected])
    #expect(try rows("hardware_id,device_id\ncpu-serial:e4b1c9d2,\(naming)\n") == [expected])
  }

  @Test func `the number is the row's, bad rows counted`() throws {
    let text = "hardware_id\nnothing\n\ncpu-serial:e4b1c9d2\n"
    #expect(try rows(text, naming: "pump-{n}") == ["2 hardware-id-malformed", "4 cpu-serial:e4b1c9d2 pump-2"])
  }

  @Test(arguments: ["pump", "", "{", "{serial", "a{x}", "{n:6}", "{n:00}", "{n:019}", "pump {n}", "-{n}", "{n}-"])
  func `a pattern that makes no device IDs is none`(text: String) { #expect(DeviceIDPattern(text) == nil) }

  @Test func `a serial that is no part of a device ID is a fault`() throws {
    #expect(try rows("hardware_id\ncpu-serial:e4.b1\n", naming: "meter-{serial}") == ["2 device-id-malformed"])
  }

  @Test func `refused rows are a manifest again`() throws {
    let text = "hardware_id,device_id,group,tags\n\"cpu-serial:e4b1c9d2\",pump-1,pumps,\"a=1,2\"\n"
    guard case .row(let row)? = try read(text).first else {
      Issue.record("expected a row")
      return
    }
    let refused = RefusedRows.header + RefusedRows.line(row.cells, code: "key-taken", reason: "expected \"a\", found b")
    guard case .row(let again)? = try read(refused).first else {
      Issue.record("expected a row in \(refused)")
      return
    }
    #expect(again.cells == row.cells && again.hardware == row.hardware)
  }
}

/// Which names were there before, in memory: what is read here is short.
private final class SeenNames: Sendable {
  private let names = Mutex<Set<Int>>([])

  @Sendable func insert(_ name: Int) -> Bool { names.withLock { $0.insert(name).inserted } }
}
