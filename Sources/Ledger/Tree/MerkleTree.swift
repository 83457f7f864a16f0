public import MusterModel

/// The ledger's Merkle tree (RFC 9162 §2.1) as a value: its right edge, and the tiles that are not full yet. Copy it,
/// append to the copy, keep the copy once the commit is on disk. It holds O(log n) hashes and at most 255 of each tile level.
///
/// Appending costs one node hash on average, a root at most one more per level.
public struct MerkleTree: Sendable, Hashable {
  /// How many leaves.
  public private(set) var size: UInt64 = 0
  /// The roots of the perfect subtrees that make up the tree, largest first.
  private var peaks: [Digest] = []
  /// Per tile level, the hashes of the tile that is not full yet.
  private var edge: [[Digest]] = [[]]

  public init() {}

  /// MTH(D[size]).
  public var root: Digest {
    guard let last = peaks.last else { return MerkleHash.empty }
    return peaks.dropLast().reversed().reduce(last) { MerkleHash.node($1, $0) }
  }

  /// Appends a leaf's hash and returns the tiles that became full by it, lowest level first: none for 255 of 256 leaves.
  public mutating func append(_ leaf: Digest) -> [Tile] {
    var full: [Tile] = []
    edge[0].append(leaf)
    var hash = leaf
    var height = 0
    while size >> UInt64(height) & 1 == 1 {
      hash = MerkleHash.node(peaks.removeLast(), hash)
      height += 1
      if height.isMultiple(of: TileCoordinate.height) {
        full.append(closeTile(level: height / TileCoordinate.height - 1, root: hash))
      }
    }
    peaks.append(hash)
    size += 1
    return full
  }

  private mutating func closeTile(level: Int, root: Digest) -> Tile {
    let index = size >> UInt64(TileCoordinate.height * (level + 1))
    let tile = Tile(TileCoordinate(level, index, TileCoordinate.fullWidth), hashes: edge[level])
    edge[level].removeAll(keepingCapacity: true)
    if edge.count == level + 1 { edge.append([]) }
    edge[level + 1].append(root)
    return tile
  }

  /// The partial tiles of the right edge, lowest level first.
  public var openTiles: [Tile] {
    edge.indices.filter { !edge[$0].isEmpty }.map { level in
      Tile(TileCoordinate(level, fullTiles(level), edge[level].count), hashes: edge[level])
    }
  }

  /// How many full tiles there are of a level.
  func fullTiles(_ level: Int) -> UInt64 { size >> UInt64(TileCoordinate.height * (level + 1)) }

  /// The open tile's hashes of a level.
  func openHashes(_ level: Int) -> [Digest] { level < edge.count ? edge[level] : [] }
}

extension MerkleTree {
  /// Rebuilds the tree of `size` leaves from what is stored: the leaf hashes of the open level-0 tile (at most 255, asked
  /// for once), and full tiles: for each hash of an open higher tile the full tile below it, at most 255 of each level.
  ///
  /// Throws `LedgerError` where a closure returns another number of hashes than was asked for, and what they throw. It
  /// trusts the hashes: compare the root with a checkpoint.
  public init(
    size: UInt64, fullTile: (TileCoordinate) throws -> [Digest], leaves: (Range<UInt64>) throws -> [Digest]
  ) throws {
    guard size < LedgerSize.limit else {
      throw LedgerError.outOfRange(what: "size", expected: "below 2^53", found: "\(size)")
    }
    self.size = size
    let open = size & ~0xff..<size
    edge[0] = open.isEmpty ? [] : try leaves(open)
    try MerkleTree.expect(open.count, edge[0], in: "leaves \(open.lowerBound)..<\(open.upperBound)")
    var level = 1
    while size >> UInt64(TileCoordinate.height * level) > 0 {
      let count = size >> UInt64(TileCoordinate.height * level)
      edge.append(
        try (count & ~0xff..<count).map { index in
          let below = TileCoordinate(level - 1, index, TileCoordinate.fullWidth)
          let hashes = try fullTile(below)
          try MerkleTree.expect(TileCoordinate.fullWidth, hashes, in: below.path)
          return MerkleHash.perfectRoot(hashes)
        })
      level += 1
    }
    peaks = edge.indices.reversed().flatMap { MerkleTree.peaks(of: edge[$0]) }
  }

  /// The tree of `size` leaves from its open tiles alone, as `openTiles` gives them; nil where one is missing. It trusts
  /// the hashes: compare the root with a checkpoint.
  init?(size: UInt64, open hashes: (TileCoordinate) -> [Digest]?) {
    guard size < LedgerSize.limit else { return nil }
    self.size = size
    edge = []
    repeat {
      let (level, here) = (edge.count, size >> UInt64(TileCoordinate.height * edge.count))
      let width = Int(here & 0xff)
      if width == 0 {
        edge.append([])
      } else {
        let coordinate = TileCoordinate(level, here >> UInt64(TileCoordinate.height), width)
        guard let found = hashes(coordinate), found.count == width else { return nil }
        edge.append(found)
      }
    } while size >> UInt64(TileCoordinate.height * edge.count) > 0
    peaks = edge.indices.reversed().flatMap { MerkleTree.peaks(of: edge[$0]) }
  }

  private static func expect(_ count: Int, _ hashes: [Digest], in what: String) throws {
    guard hashes.count == count else {
      throw LedgerError.hashesMissing(what: what, expected: count, found: hashes.count)
    }
  }

  /// The perfect subtrees within one open tile, largest first.
  private static func peaks(of hashes: [Digest]) -> [Digest] {
    var start = 0
    var peaks: [Digest] = []
    for bit in (0..<TileCoordinate.height).reversed() where hashes.count >> bit & 1 == 1 {
      peaks.append(MerkleHash.perfectRoot(hashes[start..<start + (1 << bit)]))
      start += 1 << bit
    }
    return peaks
  }
}
