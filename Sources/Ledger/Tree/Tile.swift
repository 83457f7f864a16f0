public import MusterModel

/// Which tile: a row of up to 256 hashes, 8 levels of the tree high (C2SP tlog-tiles). Tile `index` of level `level` holds
/// the roots of the perfect subtrees of 256^level leaves from `index` · 256 on.
public struct TileCoordinate: Hashable, Sendable, CustomStringConvertible {
  /// How many levels of the tree one tile spans.
  public static let height = 8
  /// How many hashes a full tile holds.
  public static let fullWidth = 256
  /// Levels above hold no tile of a tree below 2⁵³ leaves.
  public static let highestLevel = 6

  public let level: Int
  public let index: UInt64
  /// 1 to 256; below 256, the tile is partial.
  public let width: Int

  /// nil where a part is out of range, or the tile lies beyond 2⁵³ leaves.
  public init?(level: Int, index: UInt64, width: Int = fullWidth) {
    guard (0...TileCoordinate.highestLevel).contains(level), (1...TileCoordinate.fullWidth).contains(width),
      index < LedgerSize.limit >> UInt64(TileCoordinate.height * (level + 1)) || (index == 0 && level == 6)
    else { return nil }
    self.init(level, index, width)
  }

  init(_ level: Int, _ index: UInt64, _ width: Int) {
    self.level = level
    self.index = index
    self.width = width
  }

  public var isFull: Bool { width == TileCoordinate.fullWidth }

  /// `tile/0/x001/067`, and for a partial one `tile/0/x001/067.p/12`.
  public var path: String {
    var groups = [padded(index % 1000)]
    var rest = index / 1000
    while rest > 0 {
      groups.insert("x" + padded(rest % 1000), at: 0)
      rest /= 1000
    }
    return "tile/\(level)/" + groups.joined(separator: "/") + (isFull ? "" : ".p/\(width)")
  }

  /// Reads what `path` writes; nil for anything else.
  public init?(path: some StringProtocol) {
    guard path.utf8.count <= 48 else { return nil }
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
    var width = TileCoordinate.fullWidth
    if parts.count > 3, parts[parts.count - 2].hasSuffix(".p") {
      guard let partial = Int(parts.removeLast()) else { return nil }
      width = partial
      parts[parts.count - 1].removeLast(2)
    }
    guard parts.count >= 3, parts[0] == "tile", let level = Int(parts[1]) else { return nil }
    var index: UInt64 = 0
    for group in parts[2...] {
      guard let value = UInt64(group.hasPrefix("x") ? String(group.dropFirst()) : group), value < 1000, index < 1 << 50
      else { return nil }
      index = index * 1000 + value
    }
    self.init(level: level, index: index, width: width)
    // One form: whatever was read loosely above does not write back the same.
    guard self.path == path else { return nil }
  }

  public var description: String { path }
}

private func padded(_ group: UInt64) -> String {
  let text = String(group)
  return String(repeating: "0", count: 3 - text.utf8.count) + text
}

/// A tile with its hashes.
public struct Tile: Hashable, Sendable {
  public let coordinate: TileCoordinate
  /// As many as the coordinate is wide.
  public let hashes: [Digest]

  init(_ coordinate: TileCoordinate, hashes: [Digest]) {
    self.coordinate = coordinate
    self.hashes = hashes
  }

  /// nil unless `bytes` are exactly the tile's hashes, 32 bytes each.
  public init?(_ coordinate: TileCoordinate, bytes: [UInt8]) {
    guard bytes.count == coordinate.width * Digest.byteCount, let hashes = Tile.hashes(of: bytes) else { return nil }
    self.init(coordinate, hashes: hashes)
  }

  /// The hashes one after the other, 32 bytes each: what is stored and served.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(hashes.count * Digest.byteCount)
    for hash in hashes { hash.withUnsafeBytes { bytes.append(contentsOf: $0) } }
    return bytes
  }

  private static func hashes(of bytes: [UInt8]) -> [Digest]? {
    var hashes: [Digest] = []
    hashes.reserveCapacity(bytes.count / Digest.byteCount)
    for start in stride(from: 0, to: bytes.count, by: Digest.byteCount) {
      guard let hash = Digest(bytes: bytes[start..<start + Digest.byteCount]) else { return nil }
      hashes.append(hash)
    }
    return hashes
  }
}

/// Bounds on a ledger's size.
enum LedgerSize {
  /// Integers in events and checkpoints stay below 2⁵³.
  static let limit: UInt64 = 1 << 53

  /// Reads ASCII decimal without leading zeros, below the limit; nil for anything else.
  static func parse(_ text: some StringProtocol) -> UInt64? {
    guard (1...16).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      text == "0" || text.utf8.first != UInt8(ascii: "0"), let value = UInt64(text), value < limit
    else { return nil }
    return value
  }
}
