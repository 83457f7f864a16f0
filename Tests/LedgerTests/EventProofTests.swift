import Foundation
import MusterModel
import Testing

@testable import Ledger

@Suite struct EventProofTests {
  static func proof(of position: UInt64) throws -> EventProof {
    let ledger = TestLedger.whole
    let stored = StoredTree(ledger.events.map { MerkleHash.leaf($0.bytes) })
    let proof = try stored.reader().inclusionProof(of: position, in: 600)
    let checkpoint = try #require(ledger.checkpoints[600])
    #expect(proof.verify(ledger.events[Int(position)].bytes, in: checkpoint))
    return EventProof(event: ledger.events[Int(position)].bytes, proof, in: checkpoint)
  }

  @Test(arguments: [0, 255, 256, 511, 599])
  func `a proof reads back and proves its event`(position: UInt64) throws {
    let proof = try Self.proof(of: position)
    #expect(try EventProof(text: proof.text) == proof)
    let proved = try proof.verify(with: Fixture.verifier).get()
    #expect(proved.position == position && proved.bytes == TestLedger.whole.events[Int(position)].bytes)
    #expect(proved.checkpoint.size == 600)
  }

  @Test func `no line of a proof can be changed`() throws {
    let text = try Self.proof(of: 300).text
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for index in lines.indices.dropLast() {
      var changed = lines
      changed.remove(at: index)
      let proof = try? EventProof(text: changed.joined(separator: "\n"))
      #expect((try? proof?.verify(with: Fixture.verifier).get()) == nil, "without line \(index)")
      changed = lines
      changed[index] += changed[index].prefix(1)
      let doubled = try? EventProof(text: changed.joined(separator: "\n"))
      if changed != lines { #expect((try? doubled?.verify(with: Fixture.verifier).get()) == nil, "line \(index)") }
    }
  }

  @Test func `another event, position or key is refused with its reason`() throws {
    let proof = try Self.proof(of: 300)
    let other = try Self.proof(of: 301)
    func refusal(_ text: String, _ verifier: CheckpointVerifier = Fixture.verifier) throws -> String? {
      if case .failure(let refusal) = try EventProof(text: text).verify(with: verifier) { refusal.code } else { nil }
    }
    #expect(try refusal(proof.text) == nil)
    #expect(try refusal(proof.text.replacing("index 300", with: "index 301")) == "event-not-included")
    #expect(try refusal(proof.text.replacing("index 300", with: "index 600")) == "event-not-included")
    let swapped = proof.text.replacing(Base64Line.encode(proof.event), with: Base64Line.encode(other.event))
    #expect(try refusal(swapped) == "event-not-included")
    #expect(try refusal(proof.text.replacing("\n600\n", with: "\n601\n")) == "checkpoint-forged")
    let stranger = CheckpointSigner(origin: Fixture.origin, key: Fixture.key(2)).verifier
    #expect(try refusal(proof.text, stranger) == "checkpoint-not-signed")
  }

  @Test(arguments: [
    "", "\n", "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\nextra AA==\nindex 0\n\n",
    "c2sp.org/tlog-proof@v1\nindex 0\n\n", "c2sp.org/tlog-proof@v1\nextra AA==\n\n",
    "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n", "c2sp.org/tlog-proof@v1\nextra AA\nindex 0\n\n",
    "c2sp.org/tlog-proof@v1\nextra AA==\nindex 00\n\n", "c2sp.org/tlog-proof@v1\nextra AA==\nindex -1\n\n",
    "c2sp.org/tlog-proof@v1\nextra AA==\nindex 0\nAA==\n\n", "c2sp.org/tlog-proof@v1\r\nextra AA==\r\nindex 0\r\n\r\n",
    "c2sp.org/tlog-proof@v1\nextra AA==\nindex 0\n" + String(repeating: "AAAA\n", count: 60) + "\n",
    "c2sp.org/tlog-proof@v1\nextra " + String(repeating: "AAAA", count: 3000) + "\nindex 0\n\n",
    String(repeating: "c2sp.org/tlog-proof@v1\n", count: 10_000),
  ])
  func `what is no proof is refused`(text: String) {
    #expect(throws: LedgerError.self) { try EventProof(text: text) }
  }
}
