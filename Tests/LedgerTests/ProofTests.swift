import Foundation
import MusterModel
import Testing

@testable import Ledger

@Suite struct ProofTests {
  static let stored = StoredTree((0..<1100).map(NaiveTree.leaf))
  /// Small sizes, and those around the edges of tiles and powers of two.
  static let sizes = Array(1...20) + [31, 32, 33, 255, 256, 257, 300, 511, 512, 513, 767, 768, 1000, 1024, 1025, 1100]

  @Test(arguments: sizes)
  func `inclusion proofs are the naive tree's, and verify`(size: Int) throws {
    let leaves = Self.stored.leaves[..<size]
    let root = NaiveTree.root(leaves)
    let reader = Self.stored.reader()
    #expect(try reader.root(at: UInt64(size)) == root)
    let positions = size <= 33 ? Array(0..<size) : [0, 1, 2, size / 2, size / 2 + 1, size - 3, size - 2, size - 1]
    for position in positions {
      let proof = try reader.inclusionProof(of: UInt64(position), in: UInt64(size))
      #expect(proof.path == NaiveTree.path(position, leaves) && proof.leaf == leaves[position])
      #expect(proof.path.count == InclusionProof.length(UInt64(position), UInt64(size)))
      #expect(proof.verify(root: root))
      #expect(try JSONDecoder().decode(InclusionProof.self, from: JSONEncoder().encode(proof)) == proof)
    }
  }

  @Test(arguments: sizes)
  func `consistency proofs are the naive tree's, and verify`(new: Int) throws {
    let leaves = Self.stored.leaves[..<new]
    let newRoot = NaiveTree.root(leaves)
    let reader = Self.stored.reader()
    for old in Self.sizes where old <= new {
      let proof = try reader.consistencyProof(from: UInt64(old), to: UInt64(new))
      #expect(proof.path == NaiveTree.subproof(old, leaves, true), "\(old) to \(new)")
      let oldRoot = NaiveTree.root(leaves[..<old])
      #expect(proof.verify(oldRoot: oldRoot, newRoot: newRoot))
      #expect(!proof.verify(oldRoot: NaiveTree.leaf(-1), newRoot: newRoot))
      #expect(!proof.verify(oldRoot: oldRoot, newRoot: NaiveTree.leaf(-1)))
      #expect(try JSONDecoder().decode(ConsistencyProof.self, from: JSONEncoder().encode(proof)) == proof)
      for index in proof.path.indices {
        var path = proof.path
        path[index] = NaiveTree.leaf(-2)
        #expect(
          !ConsistencyProof(old: proof.old, new: proof.new, path: path).verify(oldRoot: oldRoot, newRoot: newRoot))
      }
    }
  }

  @Test func `any tree continues the empty one, and only the empty path says so`() throws {
    let proof = try Self.stored.reader().consistencyProof(from: 0, to: 7)
    #expect(proof.path.isEmpty && proof.verify(oldRoot: MerkleHash.empty, newRoot: NaiveTree.leaf(0)))
    #expect(!proof.verify(oldRoot: NaiveTree.leaf(0), newRoot: NaiveTree.leaf(0)))
    let padded = ConsistencyProof(old: 0, new: 7, path: [NaiveTree.leaf(1)])
    #expect(!padded.verify(oldRoot: MerkleHash.empty, newRoot: NaiveTree.leaf(0)))
  }

  @Test func `a proof with one thing changed does not verify`() throws {
    let proof = try Self.stored.reader().inclusionProof(of: 300, in: 1100)
    let root = Self.stored.tree.root
    #expect(proof.verify(root: root))
    func changed(position: UInt64 = 300, size: UInt64 = 1100, leaf: Digest? = nil, path: [Digest]? = nil)
      -> InclusionProof
    {
      InclusionProof(position: position, size: size, leaf: leaf ?? proof.leaf, path: path ?? proof.path)
    }
    #expect(!changed(position: 301).verify(root: root))
    #expect(!changed(position: 1100).verify(root: root))
    #expect(!changed(size: 300).verify(root: root))
    #expect(!changed(leaf: Self.stored.leaves[301]).verify(root: root))
    #expect(!changed(path: Array(proof.path.dropLast())).verify(root: root))
    #expect(!changed(path: proof.path + [root]).verify(root: root))
    #expect(!changed(path: []).verify(root: root))
    for index in proof.path.indices {
      var path = proof.path
      path[index] = root
      #expect(!changed(path: path).verify(root: root))
    }
  }

  @Test func `a proof reads each tile once, and no more than its levels have`() throws {
    let stored = StoredTree((0..<70_000).map(NaiveTree.leaf))
    for position: UInt64 in [0, 255, 256, 65_535, 65_536, 69_999] {
      let reads = Counter()
      let proof = try stored.reader(reads: reads).inclusionProof(of: position, in: 70_000)
      #expect(proof.verify(root: stored.tree.root))
      #expect(reads.count <= 3, "position \(position)")
    }
    let reads = Counter()
    let proof = try stored.reader(reads: reads).consistencyProof(from: 40_001, to: 69_001)
    #expect(proof.verify(oldRoot: try stored.reader().root(at: 40_001), newRoot: try stored.reader().root(at: 69_001)))
    #expect(reads.count <= 5)
  }

  @Test func `what lies beyond the tree is refused`() {
    let reader = Self.stored.reader()
    #expect(throws: LedgerError.self) { try reader.inclusionProof(of: 1100, in: 1100) }
    #expect(throws: LedgerError.self) { try reader.inclusionProof(of: 0, in: 1101) }
    #expect(throws: LedgerError.self) { try reader.consistencyProof(from: 5, to: 4) }
    #expect(throws: LedgerError.self) { try reader.consistencyProof(from: 5, to: 1101) }
    #expect(throws: LedgerError.self) { try reader.root(at: 1101) }
  }

  @Test func `a stored tile that is short is refused`() {
    let reader = TreeReader(tree: Self.stored.tree) { _ in [NaiveTree.leaf(0)] }
    #expect(throws: LedgerError.self) { try reader.inclusionProof(of: 3, in: 1100) }
  }

  @Test(arguments: [
    #"{"position":1,"size":1,"leaf":"LEAF","path":[]}"#, #"{"position":0,"size":2,"leaf":"LEAF","path":[]}"#,
    #"{"position":0,"size":1,"leaf":"LEAF","path":["LEAF"]}"#, #"{"position":-1,"size":1,"leaf":"LEAF","path":[]}"#,
    #"{"position":0,"size":9007199254740992,"leaf":"LEAF","path":[]}"#, #"{"position":0,"size":1,"path":[]}"#,
    #"{"position":0,"size":1,"leaf":"AAAA","path":[]}"#,
  ])
  func `an inclusion proof that cannot be one is not read`(json: String) {
    let json = json.replacing("LEAF", with: Base64URL.encode(NaiveTree.leaf(0).bytes))
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(InclusionProof.self, from: Data(json.utf8)) }
  }

  @Test func `a path without end is not read to its end`() {
    let hash = "\"\(Base64URL.encode(NaiveTree.leaf(0).bytes))\""
    let json = "{\"old\":1,\"new\":3,\"path\":[" + Array(repeating: hash, count: 1000).joined(separator: ",") + "]}"
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(ConsistencyProof.self, from: Data(json.utf8)) }
  }
}
