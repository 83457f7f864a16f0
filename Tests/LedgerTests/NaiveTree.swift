import MusterModel

@testable import Ledger

/// RFC 9162 §2.1 word for word, recursive and slow: what the tree is held to.
enum NaiveTree {
  static func split(_ count: Int) -> Int {
    var k = 1
    while k * 2 < count { k *= 2 }
    return k
  }

  /// MTH(D_n).
  static func root(_ leaves: ArraySlice<Digest>) -> Digest {
    if leaves.isEmpty { return Digest.sha256([]) }
    if leaves.count == 1 { return leaves[leaves.startIndex] }
    let middle = leaves.startIndex + split(leaves.count)
    return node(root(leaves[..<middle]), root(leaves[middle...]))
  }

  /// PATH(m, D_n).
  static func path(_ m: Int, _ leaves: ArraySlice<Digest>) -> [Digest] {
    if leaves.count == 1 { return [] }
    let k = split(leaves.count)
    let (left, right) = (leaves.prefix(k), leaves.dropFirst(k))
    return m < k ? path(m, left) + [root(right)] : path(m - k, right) + [root(left)]
  }

  /// SUBPROOF(m, D_n, b).
  static func subproof(_ m: Int, _ leaves: ArraySlice<Digest>, _ isWhole: Bool) -> [Digest] {
    if m == leaves.count { return isWhole ? [] : [root(leaves)] }
    let k = split(leaves.count)
    let (left, right) = (leaves.prefix(k), leaves.dropFirst(k))
    return m <= k
      ? subproof(m, left, isWhole) + [root(right)] : subproof(m - k, right, false) + [root(left)]
  }

  static func node(_ left: Digest, _ right: Digest) -> Digest { Digest.sha256([1] + left.bytes + right.bytes) }

  static func leaf(_ number: Int) -> Digest { Digest.sha256([0] + Array("leaf \(number)".utf8)) }
}

/// A tree with the full tiles it gave, as a store keeps them.
struct StoredTree {
  var tree = MerkleTree()
  var leaves: [Digest] = []
  var tiles: [TileCoordinate: [Digest]] = [:]

  init(_ leaves: [Digest] = []) {
    for leaf in leaves { append(leaf) }
  }

  mutating func append(_ leaf: Digest) {
    leaves.append(leaf)
    for tile in tree.append(leaf) { tiles[tile.coordinate] = tile.hashes }
  }

  func reader(reads: Counter = Counter()) -> TreeReader {
    TreeReader(tree: tree) { coordinate in
      reads.count += 1
      return tiles[coordinate] ?? []
    }
  }
}

/// Counts in a closure.
final class Counter {
  var count = 0
}
