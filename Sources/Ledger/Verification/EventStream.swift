import MusterModel

/// The events that are found, hashed as they come, with a window to look ahead.
final class EventStream {
  struct Found {
    let position: UInt64
    let hash: Digest
  }

  private let next: () throws -> StoredEvent?
  private var window = Window<Found>()
  private var isAtEnd = false
  /// How many events were taken.
  private(set) var count: UInt64 = 0
  private(set) var attachments = AttachmentCheck()
  /// Positions whose bytes are no event line, with the reason; the first few.
  private(set) var unreadable: [UInt64: String] = [:]

  init(_ records: LedgerRecords) { next = records.event }

  func peek(_ offset: Int = 0) throws -> Found? {
    while window.count <= offset, !isAtEnd {
      if let event = try next() { window.append(read(event)) } else { isAtEnd = true }
    }
    return offset < window.count ? window[offset] : nil
  }

  func advance() {
    window.removeFirst()
    count += 1
  }

  private func read(_ event: StoredEvent) -> Found {
    do {
      attachments.check(event, try EventHeader(event.bytes))
    } catch {
      if unreadable.count < LedgerVerification.findingLimit { unreadable[event.position] = "\(error)" }
    }
    return Found(position: event.position, hash: MerkleHash.leaf(event.bytes))
  }
}

/// The leaf hashes that are stored apart from the events: in level-0 tiles, and for the open tile singly.
final class LeafStream {
  private let records: LedgerRecords
  private var window = Window<Digest?>()
  private var tile: (index: UInt64, hashes: [Digest]?)?
  /// Tiles whose bytes are no row of 256 hashes.
  private(set) var broken: [TileCoordinate] = []
  /// The position of the head of the window.
  private(set) var position: UInt64 = 0
  /// Whether any hash was there.
  private(set) var isKnown = false

  init(_ records: LedgerRecords) { self.records = records }

  func peek(_ offset: Int = 0) throws -> Digest? {
    while window.count <= offset { window.append(try read(position + UInt64(window.count))) }
    return window[offset]
  }

  func advance() { skip(to: position + 1) }

  func skip(to next: UInt64) {
    while position < next, window.count > 0 {
      window.removeFirst()
      position += 1
    }
    position = max(position, next)
  }

  /// Whether the tile of the position was there the last time it was asked for.
  func hasTile(_ index: UInt64) -> Bool { tile?.index == index && tile?.hashes != nil }

  private func read(_ position: UInt64) throws -> Digest? {
    let index = position >> UInt64(TileCoordinate.height)
    if tile?.index != index { tile = (index, try load(index)) }
    let leaf = try tile?.hashes?[Int(position & 0xff)] ?? records.openLeaf(position)
    isKnown = isKnown || leaf != nil
    return leaf
  }

  private func load(_ index: UInt64) throws -> [Digest]? {
    guard let coordinate = TileCoordinate(level: 0, index: index), let bytes = try records.fullTile(coordinate) else {
      return nil
    }
    let tile = Tile(coordinate, bytes: bytes)
    if tile == nil, broken.count < LedgerVerification.findingLimit { broken.append(coordinate) }
    return tile?.hashes
  }
}

/// A queue that drops its head for good every now and then.
struct Window<Element> {
  private var elements: [Element] = []
  private var head = 0

  var count: Int { elements.count - head }

  subscript(offset: Int) -> Element { elements[head + offset] }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func removeFirst() {
    head += 1
    guard head == elements.count || head >= 1024 else { return }
    elements.removeFirst(head)
    head = 0
  }
}
