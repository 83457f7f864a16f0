import DeviceRegistry
import Enrollment
import Foundation
import Manifests
import MusterModel
import Testing

@testable import muster

/// What a station keeps to go on from.
@Suite struct StationJournalTests {
  private func inFolder(_ body: (StationFiles) async throws -> Void) async throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let files = StationFiles(out: folder.file("out"))
    try files.open()
    try await body(files)
  }

  private static let june = RecordID(.order, UUIDv7(at: Timestamp(milliseconds: 1_760_000_000_000)))

  private func order(_ record: RecordID = june) throws -> OrderSummary {
    OrderSummary(
      record: record, name: try #require(RecordName("june")), station: nil, group: nil, hub: nil, hubHost: nil,
      count: 5, made: 0, until: nil, added: Timestamp(milliseconds: 0), state: .open, lastRefusal: nil)
  }

  private func journal(
    _ files: StationFiles, order: RecordID = june, _ credentials: DeviceCredentials = .certificate
  ) throws -> StationJournal {
    try StationJournal(files, order: self.order(order), credentials: credentials) { _ in false }
  }

  private func row(_ number: Int) throws -> ManifestRow {
    ManifestRow(
      hardware: try HardwareID.parse("cpu-serial:00e4b1\(number)").get(),
      deviceID: try #require(DeviceID("meter-\(number)")))
  }

  @Test func `a board that was asked for is asked for with the same request, though other boards came between`()
    async throws
  {
    try await inFolder { files in
      var first = try journal(files)
      let key = try KeyedRequest(for: row(1).deviceID, .certificate)
      _ = try first.boards([(1, row(1))], new: [key])
      var other = try journal(files)
      _ = try other.boards([(1, row(2))], new: [KeyedRequest(for: row(2).deviceID, .certificate)])
      try other.finish()
      var third = try journal(files)
      #expect(third.batch == first.batch)
      #expect(try third.lacksKey(row(2)) && !third.lacksKey(row(1)))
      let again = try third.boards([(1, row(1))], new: [])
      #expect(again.first?.request == key.request && again.first?.key?.rawRepresentation == key.key?.rawRepresentation)
      try third.finish()
      #expect(try journal(files).lacksKey(row(1)))
    }
  }

  @Test func `boards that come one by one for weeks leave few keys in the journal`() async throws {
    try await inFolder { files in
      let rows = try StationRows(files, nil, order: order(), credentials: .certificate)
      for number in 1...200 {
        _ = try await rows.single(row(number).hardware, row(number).deviceID)
      }
      let lines = try String(contentsOfFile: files.journal, encoding: .utf8).split(separator: "\n")
      #expect((2...65).contains(lines.count), "\(lines.count)")
    }
  }

  @Test func `another order, though of the same name, and other credentials do not go on with what was asked for`()
    async throws
  {
    try await inFolder { files in
      var first = try journal(files)
      _ = try first.boards([(1, row(1))], new: [KeyedRequest(for: row(1).deviceID, .certificate)])
      let other = RecordID(.order, UUIDv7(at: Timestamp(milliseconds: 1_760_000_000_001)))
      #expect(throws: CommandFailure.self) { try journal(files, order: other) }
      for credentials in [DeviceCredentials.key, .both] {
        #expect(throws: CommandFailure.self) { try journal(files, credentials) }
      }
      var again = try journal(files)
      #expect(again.batch == first.batch)
      _ = try again.boards([(1, row(1))], new: [])
      try again.finish()
      #expect(try journal(files, .key).batch == first.batch)
      #expect(try journal(files, order: other).batch != first.batch, "a batch is of one order")
    }
  }

  @Test func `a scanner's line is read as far as a hardware ID may be long`() throws {
    let pipe = Pipe()
    let long = String(repeating: "x", count: 1_000_000)
    let writer = Thread { [handle = pipe.fileHandleForWriting] in
      try? handle.write(contentsOf: Data("a\n\n\(long)\nb\r\nlast".utf8))
      try? handle.close()
    }
    writer.start()
    var lines = ScannerLines(pipe.fileHandleForReading.fileDescriptor)
    var found: [String] = []
    while let line = lines.next() { found.append(line) }
    #expect(found == ["a", "", String(long.prefix(ScannerLines.limit)), "b\r", "last"])
  }
}
