import Foundation
import MusterModel

/// Reads an export as a stream: its header at once, the lines as the check asks for them. Bounded: one line, and what
/// lies between two tiles.
public final class LedgerExportReader {
  /// How many events are read ahead in search of a tile's line.
  private static let readAhead = 2048
  /// How many tiles are remembered.
  private static let tileLimit = LedgerWalk.lookahead / TileCoordinate.fullWidth + 8

  /// The signed note of the header, not yet verified.
  public let note: String
  /// The key that the export claims to be signed with. Whoever wrote the file wrote it: compare it with one you know.
  public let claimedVerifier: CheckpointVerifier
  private var lines: LineReader
  private var events = Window<[UInt8]>()
  private var tiles: [Tile] = []
  private var position: UInt64 = 0

  /// `read` returns the next bytes of the file, in pieces of any size; nil or none at its end. Throws
  /// `LedgerError.malformed` where the first line is no header.
  public init(read: @escaping () throws -> [UInt8]?) throws {
    lines = LineReader(limit: LedgerExport.lineLimit, read: read)
    let first = try lines.next()
    // Mail programs and version control do so. What was hashed are the bytes: to read them otherwise would be to guess.
    guard first?.last != UInt8(ascii: "\r") else {
      throw LedgerError.malformed(what: "an export", expected: "lines that end in LF", found: "CR LF")
    }
    guard let first, let header = try? JSONDecoder().decode(LedgerExport.Header.self, from: Data(first)),
      header.format == LedgerExport.format
    else {
      throw LedgerError.malformed(what: "an export's first line", expected: "its header", found: "something else")
    }
    note = header.checkpoint
    claimedVerifier = try CheckpointVerifier(key: header.key)
  }

  /// The export as what is laid before `LedgerVerification`. Reads the file once: ask for it once.
  public var records: LedgerRecords {
    var notes = [note]
    return LedgerRecords(
      event: nextEvent, checkpoint: { notes.popLast() }, fullTile: { try self.tile($0)?.bytes },
      openLeaf: openLeaf, tilesAreRequired: false)
  }

  private func nextEvent() throws -> StoredEvent? {
    while events.count == 0 { guard try readLine() else { return nil } }
    defer {
      events.removeFirst()
      position += 1
    }
    return StoredEvent(position: position, bytes: events[0])
  }

  /// Reads one line into its place; false at the end. What is no tile is an event, if a wrong one: the hashes will tell.
  private func readLine() throws -> Bool {
    guard let line = try lines.next() else { return false }
    if line.starts(with: LedgerExport.tilePrefix), let tile = LedgerExportReader.tile(of: line) {
      tiles = tiles.suffix(LedgerExportReader.tileLimit - 1) + [tile]
    } else {
      events.append(line)
    }
    return true
  }

  private static func tile(of line: [UInt8]) -> Tile? {
    guard let read = try? JSONDecoder().decode(LedgerExport.TileLine.self, from: Data(line)),
      let coordinate = TileCoordinate(path: read.tile), let bytes = Base64URL.decode(read.hashes)
    else { return nil }
    return Tile(coordinate, bytes: bytes)
  }

  private func tile(_ coordinate: TileCoordinate) throws -> Tile? {
    guard coordinate.level == 0 else { return nil }
    while !tiles.contains(where: { $0.coordinate.index >= coordinate.index }),
      events.count < LedgerExportReader.readAhead, try readLine()
    {}
    return tiles.last { $0.coordinate == coordinate }
  }

  private func openLeaf(_ position: UInt64) -> Digest? {
    let index = position >> UInt64(TileCoordinate.height)
    guard let tile = tiles.last(where: { $0.coordinate.index == index && !$0.coordinate.isFull }) else { return nil }
    let offset = Int(position & 0xff)
    return offset < tile.hashes.count ? tile.hashes[offset] : nil
  }
}

/// Splits a stream of bytes into lines that end with a newline. What is left after the last newline was cut off: it is no line.
struct LineReader {
  private let limit: Int
  private let read: () throws -> [UInt8]?
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false

  init(limit: Int, read: @escaping () throws -> [UInt8]?) {
    self.limit = limit
    self.read = read
  }

  /// The next line without its newline; nil at the end. Throws `LedgerError.malformed` for a line beyond the limit.
  mutating func next() throws -> [UInt8]? {
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")), end - start <= limit {
        defer { start = end + 1 }
        return Array(buffer[start..<end])
      }
      guard buffer.count - start <= limit else {
        throw LedgerError.malformed(what: "a line", expected: "at most \(limit) bytes", found: "more")
      }
      guard !isAtEnd else { return nil }
      searched = buffer.count - start
      buffer.removeFirst(start)
      start = 0
      let piece = try read() ?? []
      isAtEnd = piece.isEmpty
      buffer += piece
    }
  }
}
