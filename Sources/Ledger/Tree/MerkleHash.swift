public import MusterModel

import struct Crypto.SHA256

/// The hashes of RFC 9162 §2.1.1, with SHA-256.
public enum MerkleHash {
  /// MTH({}): SHA-256 of nothing.
  public static let empty = Digest(SHA256().finalize())

  /// SHA-256(0x00 ‖ entry).
  public static func leaf(_ entry: [UInt8]) -> Digest {
    var hash = SHA256()
    withUnsafeBytes(of: UInt8(0x00)) { hash.update(bufferPointer: $0) }
    entry.withUnsafeBytes { hash.update(bufferPointer: $0) }
    return Digest(hash.finalize())
  }

  /// SHA-256(0x01 ‖ left ‖ right).
  public static func node(_ left: Digest, _ right: Digest) -> Digest {
    var hash = SHA256()
    withUnsafeBytes(of: UInt8(0x01)) { hash.update(bufferPointer: $0) }
    left.withUnsafeBytes { hash.update(bufferPointer: $0) }
    right.withUnsafeBytes { hash.update(bufferPointer: $0) }
    return Digest(hash.finalize())
  }

  /// The nodes over `hashes`, row by row: row n has the roots of the perfect subtrees of 2ⁿ hashes, as many as are whole.
  static func rows(over hashes: [Digest]) -> [[Digest]] {
    var rows = [hashes]
    while let row = rows.last, row.count > 1 {
      rows.append(stride(from: 0, to: row.count - 1, by: 2).map { node(row[$0], row[$0 + 1]) })
    }
    return rows
  }

  /// The root of a perfect subtree over `hashes`, whose count is a power of two.
  static func perfectRoot(_ hashes: some Sequence<Digest>) -> Digest {
    var row = Array(hashes)
    while row.count > 1 {
      row = stride(from: 0, to: row.count - 1, by: 2).map { node(row[$0], row[$0 + 1]) }
    }
    return row.first ?? empty
  }
}
