public import MusterModel

/// A proof that the tree of size `new` is a continuation of the tree of size `old` (RFC 9162 §2.1.4).
public struct ConsistencyProof: Codable, Hashable, Sendable {
  public let old: UInt64
  public let new: UInt64
  public let path: [Digest]

  init(old: UInt64, new: UInt64, path: [Digest]) {
    self.old = old
    self.new = new
    self.path = path
  }

  /// Reads a proof from elsewhere, which may be wrong; nil unless old ≤ new < 2⁵³ and the path has at most 54 hashes.
  public init?(old: UInt64, new: UInt64, hashes path: [Digest]) {
    guard old <= new, new < LedgerSize.limit, path.count <= ConsistencyProof.longest else { return nil }
    self.init(old: old, new: new, path: path)
  }

  /// One hash per level, and the old tree's last perfect subtree.
  static let longest = 54

  /// Whether the tree with `newRoot` continues the one with `oldRoot` (RFC 9162 §2.1.4.2). Any tree continues the empty one.
  public func verify(oldRoot: Digest, newRoot: Digest) -> Bool {
    if old == new { return path.isEmpty && oldRoot == newRoot && (old > 0 || oldRoot == MerkleHash.empty) }
    if old == 0 { return path.isEmpty && oldRoot == MerkleHash.empty }
    guard old < new, let roots = computedRoots(oldRoot) else { return false }
    return roots.old == oldRoot && roots.new == newRoot
  }

  private func computedRoots(_ oldRoot: Digest) -> (old: Digest, new: Digest)? {
    // Where the old tree is perfect, its root is the first hash and is not sent.
    let hashes = old & (old - 1) == 0 ? [oldRoot] + path : path
    guard let first = hashes.first else { return nil }
    var (node, last) = (old - 1, new - 1)
    while node & 1 == 1 { (node, last) = (node >> 1, last >> 1) }
    var (oldHash, newHash) = (first, first)
    for hash in hashes.dropFirst() {
      guard last > 0 else { return nil }
      if node & 1 == 1 || node == last {
        (oldHash, newHash) = (MerkleHash.node(hash, oldHash), MerkleHash.node(hash, newHash))
        while node & 1 == 0 && node != 0 { (node, last) = (node >> 1, last >> 1) }
      } else {
        newHash = MerkleHash.node(newHash, hash)
      }
      (node, last) = (node >> 1, last >> 1)
    }
    return last == 0 ? (oldHash, newHash) : nil
  }

  private enum CodingKeys: String, CodingKey { case old, new, path }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let path = try values.decodeBounded(Digest.self, atMost: ConsistencyProof.longest, forKey: .path)
    guard
      let proof = ConsistencyProof(
        old: try values.decode(UInt64.self, forKey: .old), new: try values.decode(UInt64.self, forKey: .new),
        hashes: path)
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .old, in: values, debugDescription: "expected an old size up to the new one, below 2^53")
    }
    self = proof
  }
}
