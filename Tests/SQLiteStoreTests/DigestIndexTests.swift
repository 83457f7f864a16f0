import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import SQLiteStore

/// A certificate is found by its digests wherever they are: in memory, in the tree, or on their way.
@Suite struct DigestIndexTests {
  private static let generation = 40

  /// A database with certificates' rows, by a writer and by readers with indexes of their own.
  private final class Fleet {
    let path = FileManager.default.temporaryDirectory.path + "/muster-digests-" + UUID().uuidString
    var writer: Connection
    /// Of the certificates that are committed, by their row.
    var keys: [Digest] = []

    init() throws {
      writer = try Connection(path: path, .readWrite, digests: DigestIndex(generation: generation))
      try Schema.migrate(writer, path: path)
      try writer.becomeDurable()
    }

    deinit { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }

    func reader() throws -> Connection { try Connection(path: path, .readOnly) }

    func restart() throws {
      writer = try Connection(path: path, .readWrite, digests: DigestIndex(generation: generation))
      try writer.becomeDurable()
    }

    func key(_ number: Int) -> Digest { Digest.sha256(Array("key \(number)".utf8)) }

    /// The certificate's own digest.
    func der(_ key: Digest) -> Digest { Digest.sha256(key.bytes) }

    func issue(_ new: [Digest], commits: Bool) throws {
      try writer.execute("BEGIN IMMEDIATE")
      writer.digests.begin()
      for (place, key) in new.enumerated() {
        // Before what is no enrollment a transaction settles, too.
        if place == new.count / 2 { try writer.settle() }
        try writer.insert(
          into: """
            certificate(record, issuer, serial, profile, not_before, not_after, shard, public_key, der, issued_at, position)
            """, Units.id(.certificate), "issuer", Array("\(keys.count + place)".utf8), "device", Units.time,
          Units.time,
          UInt32(0), key, der(key), Units.time, UInt64(keys.count + place))
        writer.issued(key)
      }
      try writer.settle()
      if commits {
        try writer.execute("COMMIT")
        keys += new
      } else {
        var recorder = EventRecorder(writer)
        recorder.rolledBack()
        try writer.execute("ROLLBACK")
      }
    }

    func rows(_ db: Connection, _ digest: Digest) throws -> [Int64] {
      try db.certificates(with: digest, "SELECT id FROM certificate WHERE id = ?1 AND ?2 IN (public_key, der)") { row in
        row.int(0)
      }
    }

    func expected(_ key: Digest, of keys: [Digest]) -> [Int64] {
      keys.enumerated().filter { $0.element == key }.map { Int64($0.offset) + 1 }
    }
  }

  private func expectAll(_ fleet: Fleet, _ db: Connection, of keys: [Digest], _ when: String) throws {
    for key in Set(keys) {
      let expected = fleet.expected(key, of: keys)
      #expect(try fleet.rows(db, key) == expected, "\(when)")
      #expect(try fleet.rows(db, fleet.der(key)) == expected, "\(when)")
    }
    #expect(try fleet.rows(db, Digest.sha256([0])).isEmpty, "\(when)")
  }

  /// Groups of all sizes, some taken back, restarts in between, and a reader that stays with what it saw.
  @Test(arguments: [1, 2, 3] as [UInt64])
  func `every certificate is found by its key and by its own digest, at every moment`(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fleet = try Fleet()
    let (old, follows) = (try fleet.reader(), try fleet.reader())
    var next = 0
    for round in 0..<60 {
      var new: [Digest] = []
      for _ in 0..<Int.random(in: 1...20, using: &random) {
        next += 1
        // A key comes again where a device renews with it.
        let again = Bool.random(using: &random) ? fleet.keys.randomElement(using: &random) : nil
        new.append(again ?? fleet.key(next))
      }
      let before = fleet.keys
      try old.withSnapshot { snapshot in
        _ = try snapshot.get().db.number("SELECT count(*) FROM certificate")
        try fleet.issue(new, commits: Int.random(in: 0..<5, using: &random) > 0)
        try expectAll(fleet, old, of: before, "round \(round), before")
      }
      try expectAll(fleet, fleet.writer, of: fleet.keys, "round \(round), writer")
      try follows.withSnapshot { _ in try expectAll(fleet, follows, of: fleet.keys, "round \(round), reader") }
      if Int.random(in: 0..<10, using: &random) == 0 { try fleet.restart() }
    }
    // The test is of certificates in the tree, too, and of the tree alone.
    let settled = try fleet.writer.number("SELECT through FROM certificate_settled")
    #expect(settled > Int64(2 * Self.generation))
    let found = try fleet.writer.number(
      "SELECT count(*) FROM certificate_digest JOIN certificate_settled WHERE certificate <= through")
    #expect(found >= settled)
  }

  @Test func `digests that begin alike are told apart by the rest`() throws {
    let fleet = try Fleet()
    let alike = (0..<3).compactMap { last in Digest(bytes: [UInt8](repeating: 7, count: 31) + [UInt8(last)]) }
    try fleet.issue([alike[0], alike[1]], commits: true)
    #expect(try alike.map { try fleet.rows(fleet.writer, $0) } == [[1], [2], []])
    for start in stride(from: 0, to: 200, by: 10) {
      try fleet.issue((start..<start + 10).map { fleet.key($0) }, commits: true)
    }
    #expect(try fleet.writer.number("SELECT through FROM certificate_settled") > 2)
    #expect(try alike.map { try fleet.rows(fleet.writer, $0) } == [[1], [2], []])
  }
}
