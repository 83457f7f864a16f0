import Crypto
import Foundation
import GRDB
import Ledger
import MusterModel
import Testing

@testable import SQLiteStore

/// The ledger of vectors, on disk as a service would have left it.
private final class VectorFolder {
  let folder: DataFolder
  let signer: CheckpointSigner

  /// `more` is what happened after.
  init(_ more: [(line: [UInt8], attachment: [UInt8])] = []) throws {
    folder = DataFolder(FileManager.default.temporaryDirectory.path + "/muster-vectors-" + UUID().uuidString)
    try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
    let origin = try #require(LedgerOrigin("plant.example/muster/k7/0"))
    signer = CheckpointSigner(origin: origin, key: Curve25519.Signing.PrivateKey())
    let attachments = try Vectors.names(in: "details").map { try Vectors.attachment(of: $0) }
    try write(try Vectors.ledger() + more.map(\.line), attachments + more.map(\.attachment))
  }

  deinit { try? FileManager.default.removeItem(atPath: folder.path) }

  /// A line's details are the file that hashes to them; of the line that has none they were erased.
  private func write(_ lines: [[UInt8]], _ attachments: [[UInt8]]) throws {
    let details = Dictionary(uniqueKeysWithValues: attachments.map { (Digest.sha256($0), $0) })
    let db = try Connection(path: folder.database, .readWrite)
    try Schema.migrate(db, path: folder.database)
    var recorder = EventRecorder(db)
    var head = LedgerHead(tree: MerkleTree(), signer: signer)
    try db.execute("BEGIN")
    for (position, line) in lines.enumerated() {
      let position = UInt64(position)
      try db.run("INSERT INTO event(position, bytes) VALUES (?, ?)", position, line)
      let digest = try EventEnvelope(line).privateDigest
      let found = digest.flatMap { details[$0] }
      if let digest, let found {
        try db.run(
          "INSERT INTO private_attachment(position, digest, bytes) VALUES (?, ?, ?)", position, digest, found)
      }
      try recorder.record(AnyRecorded(line, details: found, at: position, .muster))
      head.append([MerkleHash.leaf(line)])
    }
    _ = try head.write(to: db)
    try db.execute("COMMIT")
  }
}

@Suite struct VectorLedgerTests {
  @Test func `the ledger of vectors holds each vector's line once`() throws {
    let lines = try Vectors.ledger()
    for kind in Vectors.kinds {
      let vector = try Vectors.line(of: kind)
      #expect(lines.count { $0 == vector } == 1, "\(kind)")
    }
  }

  /// The root was computed by another hand.
  @Test func `its root is what it always was`() throws {
    var tree = MerkleTree()
    for line in try Vectors.ledger() { _ = tree.append(MerkleHash.leaf(line)) }
    #expect(tree.root.hex == "129b4d41069094ef69f88248e18a62b9e9d8deb28e04eba0698f56cc5b246ab3")
  }

  @Test func `it verifies, replays into the views that this build writes, and is served`() async throws {
    let test = try VectorFolder()
    let report = try LedgerVerification(verifier: test.signer.verifier).verify(LedgerArchive(test.folder).records)
    #expect(report.findings == [])
    let replay = try LedgerReplay.check(test.folder)
    #expect(replay.differences == [] && replay.events == report.events && replay.erased == 1)
    let store = try FolderStore(test.folder, .existing, signer: test.signer)
    #expect(try await store.instance()?.epoch == 0)
    await store.close()
  }

  @Test(arguments: [
    ("SELECT count(*) FROM device WHERE device_id = 'meter-7' AND state = 'retired' AND generation = 1", 1),
    ("SELECT count(*) FROM binding WHERE ended_reason = 'retired'", 1),
    ("SELECT count(*) FROM bound_hardware WHERE ended_at IS NOT NULL", 2),
    ("SELECT count(*) FROM hardware WHERE listing = 'allowed' AND hardware_id = 'cpu-serial:00000000e4b1c9d2'", 1),
    ("SELECT count(*) FROM hardware_pattern WHERE listing = 'allowed' AND pattern = 'mac:aabbcc*'", 1),
    ("SELECT count(*) FROM certificate WHERE revoked_at IS NULL", 2),
    ("SELECT count(*) FROM certificate WHERE replaced_by IS NOT NULL AND overlap_until IS NOT NULL", 1),
    (
      "SELECT count(*) FROM ticket JOIN redemption ON ticket.id = redemption.ticket WHERE refused_code = 'ticket-spent'",
      1
    ),
    ("SELECT count(*) FROM ticket WHERE device_id IS NULL AND hardware_id IS NULL AND code IS NULL", 1),
    ("SELECT count(*) FROM ticket WHERE cancelled_at IS NOT NULL AND is_swap = 1", 1),
    ("SELECT count(*) FROM crl WHERE shard = 3 AND number = 7", 1),
    ("SELECT devices FROM device_group WHERE removed_at IS NOT NULL", 0),
    ("SELECT count(*) FROM operator WHERE removed_at IS NOT NULL AND name = 'anna@example'", 1),
    ("SELECT count(*) FROM hub WHERE removed_at IS NOT NULL AND host = 'broker.example'", 1),
    ("SELECT count(*) FROM factory_order WHERE closed_at IS NOT NULL AND name = 'june-meters' AND quota = 5000", 1),
    ("SELECT count(*) FROM policy_file", 2), ("SELECT count(*) FROM kek", 0),
    ("SELECT count(*) FROM slot", 1), ("SELECT count(*) FROM slot WHERE protector = 'pkcs11'", 1),
    ("SELECT count(*) FROM binding WHERE certificate IS NULL AND evidence = 'group-key' AND generation = 1", 1),
    ("SELECT count(*) FROM device_key WHERE deliver_until IS NULL", 2),
    (
      """
      SELECT count(*) FROM key_ring JOIN key_version ON ring = key_ring.record
      WHERE name = ring AND kind = 'group-enrollment' AND device_group LIKE 'grp_%' AND state = 'destroyed'
      """, 1
    ),
    ("SELECT count(*) FROM attestation", 0),
    ("SELECT count(*) FROM key_attestation WHERE endorsement = 'allowlist'", 1),
    ("SELECT count(*) FROM tpm_maker", 1),
    ("SELECT count(*) FROM key_ring WHERE folded = 'firmware' AND newest = 1 AND protection_limit = 4294967296", 1),
    ("SELECT count(*) FROM key_version WHERE state = 'compromised' AND protections = 4 AND destroy_at IS NOT NULL", 1),
    ("SELECT count(*) FROM hub_seal_key WHERE length(public_key) = 91 AND hub LIKE 'hub_%'", 1),
    ("SELECT count(*) FROM rollover WHERE kind = 'certificates' AND leaving_issuer LIKE '4c4c%'", 1),
    ("SELECT count(*) FROM rollover_device WHERE kind = 'certificates' AND stage = 'settled' AND known_version = 2", 1),
    ("SELECT count(*) FROM issuer WHERE revoked_at IS NOT NULL", 1),
    ("SELECT issued FROM issuer WHERE use = 'devices' AND last_shard = 3", 2),
  ]) func `its events mean what they meant`(_ question: String, _ answer: Int64) throws {
    let test = try VectorFolder()
    let found = try Connection(path: test.folder.database, .readOnly).inDatabase {
      try Int64.fetchOne($0, sql: question)
    }
    #expect(found == answer)
  }

  @Test(arguments: [
    ("SELECT count(*) FROM hardware WHERE factory_order IS NOT NULL AND allowed_as = 'meter-8'", 1),
    ("SELECT count(*) FROM hardware WHERE factory_order IS NULL AND batch IS NOT NULL", 0),
    ("SELECT count(*) FROM ticket WHERE factory_order IS NOT NULL AND batch IS NOT NULL AND device_id = 'meter-9'", 1),
    ("SELECT count(*) FROM ticket WHERE factory_order IS NULL", 2),
  ]) func `what names an order means what it meant`(_ question: String, _ answer: Int64) throws {
    let test = try VectorFolder(["hardware-listed", "ticket-issued"].map { try Vectors.variant("by-order", $0) })
    let found = try Connection(path: test.folder.database, .readOnly).inDatabase {
      try Int64.fetchOne($0, sql: question)
    }
    #expect(found == answer)
    #expect(try LedgerReplay.check(test.folder).differences == [])
  }

  @Test func `an attestation with a quote means what it meant`() throws {
    let test = try VectorFolder([try Vectors.variant("with-quote", "key-attested")])
    let question = """
      SELECT count(*) FROM key_attestation WHERE secure_boot = 1
        AND registers LIKE '0:%' AND registers LIKE '% 7:%' AND length(registers) = 133
      """
    let found = try Connection(path: test.folder.database, .readOnly).inDatabase {
      try Int64.fetchOne($0, sql: question)
    }
    #expect(found == 1)
    #expect(try LedgerReplay.check(test.folder).differences == [])
  }

  @Test func `an attestation by a maker's certificate means what it meant`() throws {
    let test = try VectorFolder([try Vectors.variant("by-certificate", "key-attested")])
    let question = """
      SELECT count(*) FROM key_attestation WHERE endorsement = 'certificate' AND is_expired = 1
        AND weakness = 'CVE-2017-15361' AND length(anchor) = 32 AND make LIKE '%SLB9670%'
      """
    let found = try Connection(path: test.folder.database, .readOnly).inDatabase {
      try Int64.fetchOne($0, sql: question)
    }
    #expect(found == 1)
    #expect(try LedgerReplay.check(test.folder).differences == [])
  }
}
