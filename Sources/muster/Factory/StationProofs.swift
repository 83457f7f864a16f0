import Enrollment
import Ledger
import MusterModel

/// Proofs of what was made: the station asks for hashes of a stretch of the ledger, once for many devices, and makes the
/// proofs itself.
struct StationProofs: Sendable {
  let client: APIClient
  let order: RecordName

  func proved(_ devices: [MadeDevice]) async throws -> [ProvedDevice] {
    var proved: [ProvedDevice] = []
    for stretch in StationProofs.stretches(devices) {
      let tiles: ProofTiles = try await client.get(
        "/v1/orders/\(segment(order.text))/proof-tiles",
        query: [("first", String(stretch[0].position)), ("last", String(stretch[stretch.count - 1].position))])
      do {
        let proofs = try tiles.proofs(of: stretch.map { ($0.position, $0.event) })
        proved += zip(stretch, proofs).map { ProvedDevice(made: $0, proof: $1.text) }
      } catch {
        throw CommandFailure("expected the service's ledger to hold what it answered, found: \(error)")
      }
    }
    return proved
  }

  /// By position, in runs that are not too wide: what was made in a run before may lie far back.
  private static func stretches(_ devices: [MadeDevice]) -> [[MadeDevice]] {
    devices.sorted { $0.position < $1.position }.reduce(into: []) { stretches, device in
      if let first = stretches.last?.first, device.position - first.position < ProofTiles.widest {
        stretches[stretches.count - 1].append(device)
      } else {
        stretches.append([device])
      }
    }
  }
}
