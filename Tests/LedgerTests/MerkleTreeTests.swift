import MusterModel
import Testing

@testable import Ledger

@Suite struct MerkleTreeTests {
  @Test func `the hashes are those of RFC 9162`() {
    #expect(MerkleHash.empty.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    // The test vectors of Certificate Transparency's reference implementation (merkle_tree_test.cc).
    #expect(MerkleHash.leaf([]).hex == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
    let entries: [[UInt8]] = [
      [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
      [0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
      [0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ]
    let tree = StoredTree(entries.map(MerkleHash.leaf)).tree
    #expect(tree.root.hex == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
  }

  @Test func `the tree has the naive tree's root at every size`() {
    let leaves = (0..<1100).map(NaiveTree.leaf)
    var tree = MerkleTree()
    for size in 0...1100 {
      #expect(tree.size == UInt64(size))
      #expect(tree.root == NaiveTree.root(leaves[..<size]), "size \(size)")
      if size < 1100 { _ = tree.append(leaves[size]) }
    }
  }

  @Test func `tiles become full once each, and hold the roots of what is below`() {
    var stored = StoredTree()
    for number in 0..<(256 * 257) { stored.append(NaiveTree.leaf(number)) }
    #expect(stored.tiles.count == 257 + 1)
    for (coordinate, hashes) in stored.tiles {
      #expect(coordinate.isFull && hashes.count == 256)
      let start = Int(coordinate.index) * 256
      if coordinate.level == 0 {
        #expect(hashes == Array(stored.leaves[start..<start + 256]))
      } else {
        #expect(hashes[7] == NaiveTree.root(stored.leaves[7 * 256..<8 * 256]))
      }
    }
    #expect(stored.tree.openTiles.map(\.coordinate.path) == ["tile/1/001.p/1", "tile/2/000.p/1"])
  }

  @Test func `a tree rebuilt from tiles and open leaves is the tree that grew`() throws {
    var stored = StoredTree()
    for size in 0...1100 {
      let reads = Counter()
      let rebuilt = try MerkleTree(size: UInt64(size)) { coordinate in
        reads.count += 1
        return try #require(stored.tiles[coordinate])
      } leaves: { range in
        #expect(range.count < 256)
        return Array(stored.leaves[Int(range.lowerBound)..<Int(range.upperBound)])
      }
      #expect(rebuilt.root == stored.tree.root && rebuilt.openTiles == stored.tree.openTiles, "size \(size)")
      #expect(reads.count == size / 256)
      stored.append(NaiveTree.leaf(size))
    }
  }

  @Test func `a rebuilt tree goes on like the one that grew, past a tile of level 1`() throws {
    var stored = StoredTree((0..<65_700).map(NaiveTree.leaf))
    var rebuilt = try MerkleTree(size: 65_700) {
      stored.tiles[$0] ?? []
    } leaves: { range in
      Array(stored.leaves[Int(range.lowerBound)..<Int(range.upperBound)])
    }
    #expect(rebuilt == stored.tree)
    for number in 65_700..<66_400 {
      #expect(rebuilt.append(NaiveTree.leaf(number)) == stored.tree.append(NaiveTree.leaf(number)))
    }
    #expect(rebuilt.root == stored.tree.root)
  }

  @Test func `stored hashes that are too few are refused`() {
    #expect(throws: LedgerError.self) {
      try MerkleTree(size: 300) { _ in
        []
      } leaves: { _ in
        Array(repeating: MerkleHash.empty, count: 44)
      }
    }
    #expect(throws: LedgerError.self) {
      try MerkleTree(size: 3) { _ in
        []
      } leaves: { _ in
        [MerkleHash.empty]
      }
    }
    #expect(throws: LedgerError.self) {
      try MerkleTree(size: 1 << 53) { _ in
        []
      } leaves: { _ in
        []
      }
    }
  }
}

@Suite struct TileTests {
  @Test(arguments: [
    (0, 0, 256, "tile/0/000"), (0, 1067, 256, "tile/0/x001/067"), (1, 234_067, 8, "tile/1/x234/067.p/8"),
    (0, 1_234_067, 255, "tile/0/x001/x234/067.p/255"), (6, 0, 1, "tile/6/000.p/1"),
  ])
  func `a tile's path reads back`(level: Int, index: UInt64, width: Int, path: String) throws {
    let coordinate = try #require(TileCoordinate(level: level, index: index, width: width))
    #expect(coordinate.path == path)
    #expect(TileCoordinate(path: path) == coordinate)
  }

  @Test(arguments: [
    "", "tile", "tile/0", "tile/0/", "/tile/0/000", "tile/00/000", "tile/0/0", "tile/0/1067", "tile/0/x000/001",
    "tile/0/001/067", "tile/0/x001/x067", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/01",
    "tile/0/000.p/", "tile/0/000.p", "tile/-1/000", "tile/7/000", "tile/64/000", "tile/6/001",
    "tile/0/x999/x999/x999/x999/x999/999",
    "tile/0/+01", "tile/0/xx01/000", "tile/0/000/", "tile/0/000.p/1/", "tile/0/00 ", "tile/0/٠٠٠", "tile/entries/000",
  ])
  func `what is no tile's path is refused`(path: String) {
    #expect(TileCoordinate(path: path) == nil)
  }

  @Test func `a tile's bytes are its hashes, and no other number of bytes is read`() throws {
    let coordinate = try #require(TileCoordinate(level: 0, index: 3, width: 5))
    let hashes = (0..<5).map(NaiveTree.leaf)
    let tile = try #require(Tile(coordinate, bytes: hashes.flatMap(\.bytes)))
    #expect(tile.hashes == hashes && tile.bytes == hashes.flatMap(\.bytes))
    #expect(Tile(coordinate, bytes: Array(tile.bytes.dropLast())) == nil)
    #expect(Tile(coordinate, bytes: tile.bytes + tile.bytes) == nil)
    #expect(Tile(coordinate, bytes: []) == nil)
  }
}
