import Foundation
import Ledger
import MusterModel
import MusterTesting
import SQLiteStore
import Testing

@Suite struct ArchiveTests {
  /// A closed folder with `count` events past the instance's two.
  private func ledger(of count: Int) async throws -> TestFolder {
    let test = try TestFolder()
    let store = try test.create()
    _ = try await store.commit(Units.instance())
    for number in 2..<count {
      let attached = Attachment(Array("attachment \(number)".utf8))
      let event = try Units.event(ServiceStarted(version: "\(number)"), attachments: [attached])
      _ = try await store.commit(UnitOfWork(events: [event]))
    }
    await store.close()
    return test
  }

  private func report(_ test: TestFolder, kept: VerifiedCheckpoint? = nil) throws -> LedgerReport {
    try LedgerVerification(verifier: test.signer.verifier, kept: kept).verify(LedgerArchive(test.folder).records)
  }

  @Test(arguments: [2, 9, 256, 300]) func `a ledger that nobody touched verifies whole, and each event can be proved`(
    _ count: Int
  ) async throws {
    let test = try await ledger(of: count)
    let report = try report(test)
    #expect(report.findings == [] && report.events == UInt64(count))
    let archive = try LedgerArchive(test.folder)
    for position in [0, UInt64(count) / 2, UInt64(count) - 1] {
      let proof = try #require(try archive.proof(of: position, test.signer.verifier))
      #expect(try proof.verify(with: test.signer.verifier).get().position == position)
    }
    #expect(try archive.proof(of: UInt64(count), test.signer.verifier) == nil)
  }

  @Test(arguments: [9, 300]) func `an export verifies without the folder`(_ count: Int) async throws {
    let test = try await ledger(of: count)
    var bytes: [UInt8] = []
    try LedgerArchive(test.folder).export(test.signer.verifier) { bytes += $0 }
    var rest = bytes[...]
    let reader = try LedgerExportReader {
      defer { rest = rest.dropFirst(1000) }
      return rest.isEmpty ? nil : Array(rest.prefix(1000))
    }
    let report = try LedgerVerification(verifier: test.signer.verifier).verify(reader.records)
    #expect(report.findings == [] && report.events == UInt64(count))
  }

  /// Both in the open tile and in a full one.
  @Test(arguments: [12, 300]) func `what was done to the events is named`(_ count: Int) async throws {
    let edit =
      "UPDATE event SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"5\"', '\"6\"') AS BLOB) WHERE position = 5"
    let swap = """
      UPDATE event SET position = -1 WHERE position = 4; UPDATE event SET position = 4 WHERE position = 6;
      UPDATE event SET position = 6 WHERE position = -1
      """
    let close = "; UPDATE event SET position = -position WHERE position > 7; UPDATE event SET position = "
    let delete = "DELETE FROM event WHERE position = 7" + close + "-position - 1 WHERE position < 0"
    let insert =
      "UPDATE event SET position = -position WHERE position > 7; UPDATE event SET position = -position + 1 "
      + "WHERE position < 0; INSERT INTO event SELECT 8, bytes || x'' FROM event WHERE position = 3"
    let end = UInt64(count)
    let cases: [(String, [LedgerFinding])] = [
      (edit, [.eventEdited(position: 5)]),
      (swap, [.reordered(first: 4, last: 6)]),
      (delete, [.eventDeleted(position: 7, count: 1)]),
      (insert.replacingOccurrences(of: "bytes || x''", with: "bytes"), [.eventInserted(position: 8, count: 1)]),
      ("DELETE FROM event WHERE position >= \(end - 2)", [.truncated(expected: end, found: end - 2)]),
    ]
    let test = try await ledger(of: count)
    for (change, expected) in cases {
      let copy = try test.copy()
      try copy.tamper(change)
      #expect(try report(copy).findings == expected, "\(change)")
      // The start reads the open tile and trusts the full ones: it takes no longer for a ledger of any size.
      if count < 256 { #expect(throws: StoreError.self, "\(change)") { try copy.open() } }
    }
  }

  @Test func `an attachment that is gone or changed is named, and an erased one is not`() async throws {
    let test = try await ledger(of: 9)
    let digest = Units.digest("attachment 5")
    var copy = try test.copy()
    try copy.tamper("UPDATE attachment SET bytes = x'00' WHERE id = 5 * 1024")
    #expect(try report(copy).findings == [.attachmentEdited(position: 5, digest)])
    copy = try test.copy()
    try copy.tamper("DELETE FROM private_attachment WHERE position = 0")
    #expect(try report(copy).findings.map(\.code) == ["attachment-missing"])
    let store = try test.open()
    _ = try await store.commit(
      UnitOfWork(events: [try Units.event(EventErased(position: 0), .init(reason: "asked for"))]))
    await store.close()
    #expect(try report(test).findings == [])
  }

  @Test func `a ledger that is written anew is no continuation of a checkpoint that was kept`() async throws {
    let test = try await ledger(of: 9)
    let kept = try test.signer.verifier.verify(
      String(decoding: test.bytes(of: test.folder.checkpoint), as: UTF8.self)
    ).get()
    #expect(try report(test, kept: kept).findings == [])
    let other = try TestFolder(signer: test.signer)
    let store = try other.create()
    for number in 0..<12 { _ = try await store.commit(Units.group(Units.name("g\(number)"))) }
    await store.close()
    #expect(try report(other, kept: kept).findings == [.rewritten(kept: 9)])
  }
}
