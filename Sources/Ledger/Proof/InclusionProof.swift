public import MusterModel

/// A proof that a leaf stands at a position of the tree of a size (RFC 9162 §2.1.3).
public struct InclusionProof: Codable, Hashable, Sendable {
  public let position: UInt64
  public let size: UInt64
  /// The hash of the leaf.
  public let leaf: Digest
  /// The siblings, from the leaf's to the root's child.
  public let path: [Digest]

  init(position: UInt64, size: UInt64, leaf: Digest, path: [Digest]) {
    self.position = position
    self.size = size
    self.leaf = leaf
    self.path = path
  }

  /// Reads a proof from elsewhere. It may be wrong, never out of bounds: nil unless position < size < 2⁵³ and the path
  /// is as long as that position's is.
  public init?(position: UInt64, size: UInt64, leaf: Digest, siblings path: [Digest]) {
    guard position < size, size < LedgerSize.limit, path.count == InclusionProof.length(position, size) else {
      return nil
    }
    self.init(position: position, size: size, leaf: leaf, path: path)
  }

  /// How many siblings PATH(position, D[size]) has.
  static func length(_ position: UInt64, _ size: UInt64) -> Int {
    // Where the ways of the position and of the last leaf part, counted from below; above, only left siblings count.
    let parting = UInt64.bitWidth - (position ^ (size - 1)).leadingZeroBitCount
    return parting + (position >> UInt64(parting)).nonzeroBitCount
  }

  /// Whether the leaf stands there in the tree with this root (RFC 9162 §2.1.3.2).
  public func verify(root: Digest) -> Bool { computedRoot == root }

  /// Whether the event of these bytes stands there in the checkpoint's tree.
  public func verify(_ event: [UInt8], in checkpoint: VerifiedCheckpoint) -> Bool {
    MerkleHash.leaf(event) == leaf && size == checkpoint.size && verify(root: checkpoint.root)
  }

  /// The root that leaf and path give; nil where the path is too long or too short for the position.
  var computedRoot: Digest? {
    guard position < size else { return nil }
    var (node, last, hash) = (position, size - 1, leaf)
    for sibling in path {
      guard last > 0 else { return nil }
      if node & 1 == 1 || node == last {
        hash = MerkleHash.node(sibling, hash)
        while node & 1 == 0 && node != 0 { (node, last) = (node >> 1, last >> 1) }
      } else {
        hash = MerkleHash.node(hash, sibling)
      }
      (node, last) = (node >> 1, last >> 1)
    }
    return last == 0 ? hash : nil
  }

  private enum CodingKeys: String, CodingKey { case position, size, leaf, path }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let path = try values.decodeBounded(Digest.self, atMost: 53, forKey: .path)
    guard
      let proof = InclusionProof(
        position: try values.decode(UInt64.self, forKey: .position),
        size: try values.decode(UInt64.self, forKey: .size),
        leaf: try values.decode(Digest.self, forKey: .leaf), siblings: path)
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .path, in: values, debugDescription: "expected a path of the position's length, found \(path.count)")
    }
    self = proof
  }
}

extension KeyedDecodingContainer {
  /// An array that is refused before its element after the last allowed one is read.
  func decodeBounded<Element: Decodable>(_: Element.Type, atMost limit: Int, forKey key: Key) throws -> [Element] {
    var list = try nestedUnkeyedContainer(forKey: key)
    var elements: [Element] = []
    while !list.isAtEnd {
      guard elements.count < limit else {
        throw DecodingError.dataCorruptedError(
          in: list, debugDescription: "expected at most \(limit) elements, found more")
      }
      elements.append(try list.decode(Element.self))
    }
    return elements
  }
}
