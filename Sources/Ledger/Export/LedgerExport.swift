import Foundation
import MusterModel

/// A ledger as one file of lines, each ended by a newline, from which a stranger can verify it with a short script:
///
/// 1. `{"checkpoint":"<signed note>","format":"muster-ledger-export/1","key":"<verifier key>"}`
/// 2. before each 256 events, the tile of their leaf hashes as it is stored:
///    `{"hashes":"<base64url>","tile":"tile/0/000"}`; the last may be partial. They serve to name what was tampered
///    with; who only wants to know whether the ledger is whole skips these lines, all of which begin with `{"hashes":`.
/// 3. each event's exact bytes, in the order of positions, as many as the checkpoint says.
///
/// Attachments are no part of it.
public enum LedgerExport {
  public static let format = "muster-ledger-export/1"
  /// The longest line, in bytes: a full tile's.
  public static let lineLimit = 16_384
  static let tilePrefix = Array(#"{"hashes":"#.utf8)

  struct Header: Codable {
    let checkpoint: String
    let format: String
    let key: String
  }

  struct TileLine: Codable {
    let hashes: String
    let tile: String
  }

  /// Writes the export, piece by piece. Throws `LedgerError.outOfRange` where the events end too early.
  /// - Parameters:
  ///   - event: The bytes of the next event; asked for `checkpoint.size` times at most.
  ///   - tile: The stored hashes of a level-0 tile, as wide as its coordinate; nil leaves its line out.
  public static func write(
    _ checkpoint: VerifiedCheckpoint, verifier: CheckpointVerifier, event: () throws -> [UInt8]?,
    tile: (TileCoordinate) throws -> Tile?, to write: ([UInt8]) throws -> Void
  ) throws {
    try write(header(note: checkpoint.note, key: verifier.key))
    var position: UInt64 = 0
    while position < checkpoint.size {
      if position & 0xff == 0 {
        let width = Int(min(checkpoint.size - position, UInt64(TileCoordinate.fullWidth)))
        let coordinate = TileCoordinate(0, position >> UInt64(TileCoordinate.height), width)
        if let tile = try tile(coordinate) { try write(line(of: tile)) }
      }
      guard let bytes = try event() else {
        throw LedgerError.outOfRange(what: "number of events", expected: "\(checkpoint.size)", found: "\(position)")
      }
      try write(bytes + [UInt8(ascii: "\n")])
      position += 1
    }
  }

  /// The first line. `note` is the signed checkpoint, `key` the verifier key.
  public static func header(note: String, key: String) throws -> [UInt8] {
    try line(Header(checkpoint: note, format: format, key: key))
  }

  public static func line(of tile: Tile) throws -> [UInt8] {
    try line(TileLine(hashes: Base64URL.encode(tile.bytes), tile: tile.coordinate.path))
  }

  private static func line(_ value: some Encodable) throws -> [UInt8] {
    [UInt8](try EventCoding.encoder().encode(value)) + [UInt8(ascii: "\n")]
  }
}
