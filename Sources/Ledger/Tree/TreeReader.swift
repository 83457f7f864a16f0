public import MusterModel

/// Reads the hashes of any subtree of a tree from its stored tiles and its open edge, and makes proofs from them
/// (RFC 9162 §2.1.3.1, §2.1.4.1). A proof reads O(log n) hashes and each tile at most once: about one full tile per level.
///
/// The tree is the state that the tiles belong to; proofs are made for it and for any smaller size.
public struct TreeReader {
  public let tree: MerkleTree
  private let fullTile: (TileCoordinate) throws -> [Digest]

  /// `fullTile` returns the 256 hashes of a full tile of `tree`.
  public init(tree: MerkleTree, fullTile: @escaping (TileCoordinate) throws -> [Digest]) {
    self.tree = tree
    self.fullTile = fullTile
  }

  /// MTH(D[size]) for a size up to the tree's.
  public func root(at size: UInt64) throws -> Digest {
    try check(size, "size", upTo: tree.size)
    guard size > 0 else { return MerkleHash.empty }
    var reading = Reading(self)
    return try reading.root(of: 0..<size)
  }

  /// PATH(position, D[size]). Throws `LedgerError.outOfRange` unless position < size ≤ the tree's size.
  public func inclusionProof(of position: UInt64, in size: UInt64) throws -> InclusionProof {
    var reading = Reading(self)
    return try inclusionProof(of: position, in: size, &reading)
  }

  /// PATH of each position, in their order: each tile is asked for, and hashed, once for all of them.
  public func inclusionProofs(of positions: [UInt64], in size: UInt64) throws -> [InclusionProof] {
    var reading = Reading(self)
    return try positions.map { try inclusionProof(of: $0, in: size, &reading) }
  }

  private func inclusionProof(
    of position: UInt64, in size: UInt64, _ reading: inout Reading
  ) throws -> InclusionProof {
    try check(size, "size", upTo: tree.size)
    guard position < size else {
      throw LedgerError.outOfRange(what: "position", expected: "below the size \(size)", found: "\(position)")
    }
    var path: [Digest] = []
    var range = 0..<size
    while range.count > 1 {
      let middle = range.lowerBound + split(range)
      let (left, right) = (range.lowerBound..<middle, middle..<range.upperBound)
      path.append(try reading.root(of: position < middle ? right : left))
      range = position < middle ? left : right
    }
    let leaf = try reading.root(of: range)
    return InclusionProof(position: position, size: size, leaf: leaf, path: path.reversed())
  }

  /// PROOF(old, D[new]). Throws `LedgerError.outOfRange` unless old ≤ new ≤ the tree's size.
  public func consistencyProof(from old: UInt64, to new: UInt64) throws -> ConsistencyProof {
    try check(new, "size", upTo: tree.size)
    try check(old, "size", upTo: new)
    guard old > 0, old < new else { return ConsistencyProof(old: old, new: new, path: []) }
    var reading = Reading(self)
    var path: [Digest] = []
    var range = 0..<new
    while range.upperBound != old {
      let middle = range.lowerBound + split(range)
      let (left, right) = (range.lowerBound..<middle, middle..<range.upperBound)
      path.append(try reading.root(of: old <= middle ? right : left))
      range = old <= middle ? left : right
    }
    // SUBPROOF's boolean: the old root itself is known to who verifies.
    if range.lowerBound > 0 { path.append(try reading.root(of: range)) }
    return ConsistencyProof(old: old, new: new, path: path.reversed())
  }

  private func check(_ size: UInt64, _ what: String, upTo limit: UInt64) throws {
    guard size <= limit else {
      throw LedgerError.outOfRange(what: what, expected: "of at most \(limit)", found: "\(size)")
    }
  }

  /// The largest power of two below the range's count (k of RFC 9162 §2.1.1).
  private func split(_ range: Range<UInt64>) -> UInt64 { largestPowerOfTwo(below: range.upperBound - range.lowerBound) }

  /// A reading of some proofs: each tile is asked for once, and its nodes are made once.
  private struct Reading {
    let reader: TreeReader
    /// By tile, its hashes and the rows of nodes above them.
    var tiles: [TileCoordinate: [[Digest]]] = [:]

    init(_ reader: TreeReader) { self.reader = reader }

    /// MTH of the leaves in `range`, which starts where RFC 9162's splitting put it.
    mutating func root(of range: Range<UInt64>) throws -> Digest {
      let count = range.upperBound - range.lowerBound
      if count & (count - 1) == 0 { return try perfect(range.lowerBound, height: count.trailingZeroBitCount) }
      let middle = range.lowerBound + largestPowerOfTwo(below: count)
      let left = try root(of: range.lowerBound..<middle)
      return MerkleHash.node(left, try root(of: middle..<range.upperBound))
    }

    /// The root of the perfect subtree of 2^height leaves from `start` on: all of it lies in one tile.
    private mutating func perfect(_ start: UInt64, height: Int) throws -> Digest {
      let (level, within) = height.quotientAndRemainder(dividingBy: TileCoordinate.height)
      let first = start >> UInt64(TileCoordinate.height * level)
      let rows = try rows(level, first >> UInt64(TileCoordinate.height))
      let place = Int(first & 0xff) >> within
      guard within < rows.count, place < rows[within].count else {
        throw LedgerError.hashesMissing(
          what: "tile \(level)/\(first >> 8)", expected: (place + 1) << within, found: rows[0].count)
      }
      return rows[within][place]
    }

    private mutating func rows(_ level: Int, _ index: UInt64) throws -> [[Digest]] {
      let coordinate = TileCoordinate(level, index, TileCoordinate.fullWidth)
      if let known = tiles[coordinate] { return known }
      let isFull = index < reader.tree.fullTiles(level)
      let rows = MerkleHash.rows(over: isFull ? try reader.fullTile(coordinate) : reader.tree.openHashes(level))
      tiles[coordinate] = rows
      return rows
    }
  }
}

private func largestPowerOfTwo(below count: UInt64) -> UInt64 {
  1 << UInt64(UInt64.bitWidth - 1 - (count - 1).leadingZeroBitCount)
}
