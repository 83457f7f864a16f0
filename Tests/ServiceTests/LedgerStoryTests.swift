import Enrollment
import Foundation
import MusterModel
import Testing

@testable import muster

private let board = "cpu-serial:00000000e4b1c9d2"

extension ServiceTests {
  /// What is told of the past, and to whom: proofs, exports, erasures.
  @Suite struct LedgerStoryTests {
    @Test func `what is erased is gone, and the ledger still verifies, replays and proves`() async throws {
      try await ServedInstance.with { instance in
        _ = try await instance.enroll("pump-7", board)
        let client = try instance.client(instance.administrator)
        let checkpoint = try await client.send(.GET, "/ledger/checkpoint")
        await client.shutdown()
        #expect(checkpoint.status == 200)
        let enrolled = try await position(of: "device-enrolled", "pump-7", instance)
        let values = [
          "kept": try instance.folder.write(checkpoint.text, to: "kept"), "data": instance.data,
          "enrolled": "\(enrolled)", "ticket": "\(enrolled - 1)", "key": instance.data + "/trust/ledger.vkey",
        ]
        try await instance.tell(
          [
            Step("ledger erase {enrolled} --reason asked", "still-in-force", "muster device retire", status: 1),
            Step("ledger erase 100000 --reason asked", "position-unknown", status: 1),
            Step("device retire pump-7", "retired"),
            Step("ledger erase {enrolled} --reason asked", "the details of {enrolled} are erased\n"),
            Step("ledger erase {ticket} --reason asked", "the details of {ticket} are erased\n"),
            Step("ledger verify --data {data}", "events are whole, signed up to"),
            Step("ledger verify --data {data} --checkpoint {kept}", "events are whole"),
            Step("ledger replay --check --data {data}", "2 of them erased: every view agrees"),
            Step("ticket list", "erased", never: [board]),
            Step("ledger prove 100000 --data {data}", "past its end", status: 1),
          ], values)
        let files = values.merging([
          "export": try instance.folder.write(
            try await instance.onFolder("ledger", "export").succeeded(), to: "export"),
          "proof": try instance.folder.write(
            try await instance.onFolder("ledger", "prove", "\(enrolled)").succeeded(), to: "proof"),
        ]) { $1 }
        try await instance.tell(
          [
            Step("ledger verify {export} --key {key}", "events are whole"),
            Step("ledger verify {export} --key {key} --checkpoint {kept}", "events are whole"),
            Step("ledger verify {export}", "--key FILE", status: 2),
            Step(
              "ledger verify {proof} --key {key}", "the event at position {enrolled} is in the ledger",
              #""kind":"device-enrolled""#, never: [board]),
            Step("ledger verify {proof}", "--key FILE", status: 2),
          ], files)
        try await expectTampering(files, instance)
      }
    }

    private func expectTampering(_ files: [String: String], _ instance: ServedInstance) async throws {
      let export = try instance.folder.read("export")
      let proof = try instance.folder.read("proof")
      func changed(_ text: String, _ old: String, _ new: String) throws -> String {
        let edit = try #require(text.range(of: old))
        return text.replacingCharacters(in: edit, with: new)
      }
      let forgeries = [
        (try changed(export, "administrator", "auditor"), "was edited"),
        (String(export.prefix(export.count * 2 / 3)), "expected"),
        (try changed(proof, "index \(files["enrolled"] ?? "")", "index 1"), "event-not-included"),
        (try changed(proof, "extra eyJhdC", "extra eyJhdD"), "event-not-included"),
        (String(proof.dropLast(10)), "checkpoint"),
      ]
      for (forgery, word) in forgeries {
        let file = try instance.folder.write(forgery, to: "forged")
        try await instance.tell([Step("ledger verify \(file) --key {key}", word, status: 1)], files)
      }
    }

    private func position(of kind: String, _ device: String, _ instance: ServedInstance) async throws -> UInt64 {
      let lines = try await instance.muster("device", "history", device, "--output", "json").succeeded()
        .split(separator: "\n")
      let entries = try lines.map { try JSONDecoder().decode(HistoryEntry.self, from: Data($0.utf8)) }
      return try #require(entries.first { $0.kind == kind }, "\(kind) in \(lines)").position
    }
  }
}
