import Foundation
import MusterModel
import Testing

@testable import Ledger

/// Tiles that are handed on, and what is proved from them far from the ledger.
@Suite struct ProofTilesTests {
  private static let events = (0..<1100).map { Array("event \($0)".utf8) }

  private func ledger(_ size: Int) throws -> (stored: StoredTree, note: String) {
    let stored = StoredTree(Self.events[..<size].map { MerkleHash.leaf($0) })
    return (stored, try Fixture.signer.sign(stored.tree).note)
  }

  @Test(arguments: [1, 2, 255, 256, 257, 300, 512, 700, 1024, 1100])
  func `what is proved from the tiles of a stretch is what the ledger proves`(size: Int) throws {
    let (stored, note) = try ledger(size)
    let last = UInt64(size) - 1
    for stretch in [0...0, last...last, 0...last, last / 2...last, last / 3...last / 2] {
      let made = try ProofTiles(stretch, of: stored.tree, note: note) { stored.tiles[$0] ?? [] }
      let tiles = try JSONDecoder().decode(ProofTiles.self, from: JSONEncoder().encode(made))
      let asked = stretch.map { (position: $0, bytes: Self.events[Int($0)]) }
      let proofs = try tiles.proofs(of: asked)
      #expect(proofs.map(\.position) == asked.map(\.position))
      for proof in proofs {
        #expect(proof.path == NaiveTree.path(Int(proof.position), stored.leaves[...]))
        #expect(try EventProof(text: proof.text).verify(with: Fixture.verifier).get().bytes == proof.event)
      }
    }
  }

  @Test func `another event, another position, another checkpoint and a missing tile prove nothing`() throws {
    let (stored, note) = try ledger(700)
    let tiles = try ProofTiles(300...310, of: stored.tree, note: note) { stored.tiles[$0] ?? [] }
    #expect(throws: LedgerError.self) { try tiles.proofs(of: [(300, Self.events[301])]) }
    #expect(throws: LedgerError.self) { try tiles.proofs(of: [(700, Self.events[700])]) }
    #expect(throws: LedgerError.self) { try tiles.proofs(of: [(5, Self.events[5])]) }
    let other = try ProofTiles(300...310, of: stored.tree, note: try ledger(699).note) { stored.tiles[$0] ?? [] }
    #expect(throws: LedgerError.self) { try other.proofs(of: [(300, Self.events[300])]) }
  }
}
