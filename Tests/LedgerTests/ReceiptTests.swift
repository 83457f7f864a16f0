import Crypto
import Foundation
import MusterModel
import Testing

@testable import Ledger

/// A hub's word about the ledger: whose it is, and what contradicts it.
@Suite struct ReceiptTests {
  private let time = Timestamp(milliseconds: 1_750_000_000_000)
  private let hub: RecordID
  private let key = P256.Signing.PrivateKey()
  private let origin: LedgerOrigin

  init() throws {
    hub = RecordID(.hub, UUIDv7(at: time))
    origin = try #require(LedgerOrigin("plant.example/muster/k7/0"))
  }

  private func signed(_ size: UInt64, _ root: MusterModel.Digest, by key: P256.Signing.PrivateKey? = nil) throws
    -> SignedReceipt
  {
    try Receipt(hub: hub, size: size, root: root, at: time).signed(ledger: origin.ledger, by: key ?? self.key)
  }

  @Test func `a receipt is its key's, for its ledger, word for word`() throws {
    let signed = try signed(7, .sha256([7]))
    #expect(signed.isValid(ledger: origin.ledger))
    #expect(!signed.isValid(ledger: "other.example/muster/k7"))
    let others = [
      Receipt(hub: RecordID(.hub, UUIDv7(at: time)), size: 7, root: .sha256([7]), at: time),
      Receipt(hub: hub, size: 8, root: .sha256([7]), at: time),
      Receipt(hub: hub, size: 7, root: .sha256([8]), at: time),
      Receipt(hub: hub, size: 7, root: .sha256([7]), at: time + .milliseconds(1)),
    ]
    for other in others {
      let moved = SignedReceipt(receipt: other, publicKey: signed.publicKey, signature: signed.signature)
      #expect(!moved.isValid(ledger: origin.ledger))
    }
    let stranger = P256.Signing.PrivateKey().publicKey.derRepresentation
    #expect(
      !SignedReceipt(receipt: signed.receipt, publicKey: Array(stranger), signature: signed.signature)
        .isValid(ledger: origin.ledger))
  }

  @Test(arguments: [[], [0x30, 0x00], Array(repeating: 0x30, count: 200)] as [[UInt8]])
  func `bytes that are no key and no signature are none`(bytes: [UInt8]) throws {
    let signed = try signed(7, .sha256([7]))
    let noKey = SignedReceipt(receipt: signed.receipt, publicKey: bytes, signature: signed.signature)
    let noSignature = SignedReceipt(receipt: signed.receipt, publicKey: signed.publicKey, signature: bytes)
    #expect(!noKey.isValid(ledger: origin.ledger) && !noSignature.isValid(ledger: origin.ledger))
  }

  /// `certificate-issued` for the hub's key, some events, and then the receipts.
  private func ledger(_ receipts: (MerkleTree) throws -> [SignedReceipt]) throws -> [[UInt8]] {
    var lines = [
      Array(
        """
        {"at":"2026-01-02T03:04:05.678Z","body":{"issued":{"publicKey":"\(fingerprint)","subject":"\(hub)"}},\
        "by":"service","kind":"certificate-issued","on":["\(hub)"],"v":1}
        """.utf8)
    ]
    for number in 0..<9 {
      lines.append(
        Array(
          #"{"at":"2026-01-02T03:04:05.678Z","body":{"version":"\#(number)"},"by":"service","kind":"service-started","on":["instance"],"v":1}"#
            .utf8))
    }
    var tree = MerkleTree()
    for line in lines { _ = tree.append(MerkleHash.leaf(line)) }
    for receipt in try receipts(tree) {
      lines.append(
        try Event(at: time, by: Actor(hub, by: .certificate), on: [.record(hub)], ReceiptGiven(receipt)).bytes)
    }
    return lines
  }

  private var fingerprint: String {
    Base64URL.encode(MusterModel.Digest.sha256(Array(key.publicKey.derRepresentation)).bytes)
  }

  private func findings(_ lines: [[UInt8]]) throws -> [LedgerFinding] {
    var check = ReceiptCheck(origin)
    for (position, line) in lines.enumerated() { check.see(StoredEvent(position: UInt64(position), bytes: line)) }
    var next = 0
    check.compare {
      defer { next += 1 }
      return next < lines.count ? StoredEvent(position: UInt64(next), bytes: lines[next]) : nil
    }
    return check.findings
  }

  @Test func `receipts that agree with the ledger are no finding`() throws {
    let lines = try ledger { tree in
      let reader = TreeReader(tree: tree) { _ in [] }
      return try [1, 4, 10, 4].map { try signed($0, try reader.root(at: $0)) }
    }
    #expect(try findings(lines) == [])
  }

  @Test func `a receipt with another root, or for what was not there yet, contradicts the ledger`() throws {
    let lines = try ledger { tree in
      [try signed(4, .sha256([9])), try signed(99, tree.root)]
    }
    #expect(try findings(lines) == [.receiptContradicts(position: 11), .receiptContradicts(position: 10)])
  }

  @Test func `a ledger that was rewritten behind a receipt is contradicted by it`() throws {
    var lines = try ledger { tree in
      [try signed(4, try TreeReader(tree: tree) { _ in [] }.root(at: 4))]
    }
    lines[2] = Array(String(decoding: lines[2], as: UTF8.self).replacing("\"1\"", with: "\"7\"").utf8)
    #expect(try findings(lines) == [.receiptContradicts(position: 10)])
  }

  @Test func `a receipt of a key that is not its hub's is forged`() throws {
    let lines = try ledger { tree in [try signed(10, tree.root, by: P256.Signing.PrivateKey())] }
    #expect(try findings(lines) == [.receiptForged(position: 10)])
  }

  @Test func `two receipts of one size that differ cannot both be true`() throws {
    let lines = try ledger { tree in [try signed(10, tree.root), try signed(10, .sha256([1]))] }
    #expect(try findings(lines) == [.receiptContradicts(position: 11)])
  }

  @Test func `the vector's receipt is signed as another hand signed it`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Vectors/events/receipt-given.json")
    let line = [UInt8](try Data(contentsOf: file))
    let body = try #require(try EventKind(ReceiptGiven.self).body(line) as? ReceiptGiven)
    #expect(try #require(body.signed).isValid(ledger: "plant.example/muster/k7"))
  }
}
