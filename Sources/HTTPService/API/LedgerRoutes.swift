import Enrollment
import HTTPTypes
import Ledger
import MusterModel

/// The ledger as C2SP's `tlog-tiles` serves it, proofs, exports, and erasing.
struct LedgerRoutes: Sendable {
  let rooms: ServiceRooms

  private var ledger: any LedgerReader { rooms.instance.ledger }

  var routes: [Route] {
    [
      .operation(.ledgerRead, .get, "/ledger/checkpoint") { _, caller in
        try await rooms.check(.ledgerRead, for: caller)
        guard let note = try await ledger.checkpoint() else { throw Problem.notFound }
        return .text(note)
      },
      .operation(.ledgerRead, .get, "/ledger/tile/{tile...}") { request, caller in
        try await rooms.check(.ledgerRead, for: caller)
        return try await tile(try request.parameter("tile"))
      },
      .operation(.ledgerProve, .get, "/v1/ledger/proof", .init(parameters: ["position"])) { request, caller in
        try await rooms.check(.ledgerProve, for: caller)
        guard let position = try request.query.number("position", in: 0...UInt64(1) << 53) else {
          throw Problem.badRequest("parameter-malformed", "expected a position")
        }
        guard let proof = try await ledger.inclusionProof(of: position) else { throw Problem.positionUnknown }
        return try .json(proof)
      },
      .operation(.ledgerExport, .get, "/v1/ledger/export") { _, caller in
        let export = try await rooms.administration.exportLedger(by: caller).answered()
        return .pieces(type: "application/octet-stream") { try await export.piece($0) }
      },
      .operation(.ledgerErase, .post, "/v1/ledger/{position}/erase") { request, caller in
        let text = try request.parameter("position")
        guard let position = UInt64(text), String(position) == text else { throw Problem.positionUnknown }
        let input: ReasonInput = try StrictJSON.decode(request)
        return try .json(try await rooms.administration.erase(position, reason: input.reason, by: caller).answered())
      },
    ]
  }

  /// Hashes of a tile, or under `entries` its events: each after its length in two bytes, most significant first.
  private func tile(_ path: String) async throws -> Answer {
    if path.hasPrefix("entries/") {
      guard let tile = TileCoordinate(path: "tile/0/" + path.dropFirst(8)) else { throw Problem.notFound }
      return kept(try await entries(tile))
    }
    guard let tile = TileCoordinate(path: "tile/" + path),
      let hashes = try await ledger.tile(level: tile.level, index: tile.index, width: tile.width),
      hashes.count == tile.width
    else { throw Problem.notFound }
    return kept(hashes.flatMap(\.bytes))
  }

  private func entries(_ tile: TileCoordinate) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    let first = tile.index * UInt64(TileCoordinate.fullWidth)
    for position in first..<first + UInt64(tile.width) {
      guard let event = try await ledger.event(at: position) else { throw Problem.notFound }
      bytes += [UInt8(event.count >> 8), UInt8(event.count & 0xff)] + event
    }
    return bytes
  }

  /// A tile of that width never changes.
  private func kept(_ bytes: [UInt8]) -> Answer {
    Answer(type: "application/octet-stream", bytes).adding(.cacheControl, "private, max-age=31536000, immutable")
  }
}

extension Problem {
  static let positionUnknown = Problem(
    .notFound, "position-unknown", detail: "expected a position in the ledger, found one past its end")
}
