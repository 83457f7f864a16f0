import Foundation
import MusterModel
import Testing

@testable import muster

extension ServiceTests {
  /// What a script reads: one JSON object a line, or RFC 4180 with a heading, the same rows in each, and nothing else.
  @Suite struct OutputTests {
    private static let listings = [
      ("operator list", ["name", "role"]), ("hub list", ["name", "host"]), ("group list", ["name", "devices"]),
      ("hardware list", ["hardware", "listing"]), ("device list", ["deviceID", "state"]),
      ("device history pump-7", ["what", "position"]), ("ticket list", ["state", "expires"]),
      ("certificate list", ["serial", "status"]), ("factory order list", ["name", "made"]),
      ("ca show", ["use", "issuerKeyID"]),
    ]
    private static let screens = [
      ("device show pump-7", "version"), ("group show pumps", "record"), ("vault status", "isSealed"),
    ]

    @Test func `every listing is the same rows as a table, as JSON and as CSV`() async throws {
      try await ServedInstance.with { instance in
        try await fill(instance)
        for (line, keys) in OutputTests.listings {
          let rows = try await instance.tell([Step(line + " --output json", "{")]).split(separator: "\n")
            .map { try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\(line): \($0)") }
          #expect(!rows.isEmpty && rows.allSatisfy { row in keys.allSatisfy { row[$0] != nil } }, "\(line)")
          let records = try records(try await instance.tell([Step(line + " --output csv", ",")]))
          let table = try await instance.tell([Step(line, " ")]).split(separator: "\n")
          #expect(records.count == rows.count + 1 && table.count == rows.count + 1, "\(line)")
          #expect(Set(records.map(\.count)).count == 1, "\(line): \(records)")
          #expect(table[0].uppercased() == table[0] && table[0].hasPrefix(records[0][0].uppercased()), "\(line)")
        }
      }
    }

    @Test func `every screen is JSON, and CSV of one row`() async throws {
      try await ServedInstance.with { instance in
        try await fill(instance)
        let serial = try await instance.serial(of: instance.administrator)
        for (line, key) in OutputTests.screens + [("certificate show \(serial)", "fingerprint")] {
          let text = try await instance.tell([Step(line + " --output json", "{")])
          let value = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(line)")
          #expect(value[key] != nil, "\(line): \(text)")
          let records = try records(try await instance.tell([Step(line + " --output csv", ",")]))
          #expect(records.count == 2 && records[0].count == records[1].count, "\(line): \(records)")
        }
      }
    }

    /// One of everything; a reason that every form has to escape, and that a spreadsheet would take for a formula.
    private func fill(_ instance: ServedInstance) async throws {
      try await instance.tell(
        [
          Step("group add pumps", "pumps"), Step("hub add plant --host mqtt.example --out {hub}", "plant"),
          Step("operator add line-1 --role factory-line --out {station}", "line-1"),
          Step("factory order add june --station line-1 --group pumps --count 5", "june"),
          Step(#"hardware block mac:aabbcc001122 --reason '=1+1, "quoted"'"#, "blocked"),
        ], ["hub": instance.folder.file("plant.pem"), "station": instance.folder.file("line-1.pem")])
      _ = try await instance.enroll("pump-7", "cpu-serial:00000000e4b1c9d2", ["--group", "pumps"])
      let listed = try records(try await instance.tell([Step("hardware list --output csv", "mac:aabbcc001122")]))
      #expect(listed.contains { $0.last == #"'=1+1, "quoted""# }, "\(listed)")
    }

    /// RFC 4180, read by its grammar.
    private func records(_ text: String) throws -> [[String]] {
      var (records, record, field): ([[String]], [String], String) = ([], [], "")
      var isQuoted = false
      var characters = Array(text + "\n")[...]
      while let character = characters.popFirst() {
        switch character {
        case "\"" where isQuoted && characters.first == "\"": field.append(characters.removeFirst())
        case "\"": isQuoted.toggle()
        case "," where !isQuoted:
          record.append(field)
          field = ""
        case "\n" where !isQuoted:
          records.append(record + [field])
          (record, field) = ([], "")
        default: field.append(character)
        }
      }
      try #require(!isQuoted, "a quote is open in \(text)")
      return records
    }
  }
}
