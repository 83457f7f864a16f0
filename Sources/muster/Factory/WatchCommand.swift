import Enrollment
import Foundation
import Manifests
import MusterModel
import NIOCore

/// `provision --watch`: one board at a time, as a scanner reads it. A result line for each, and never an end for a refused
/// one.
struct StationWatch: Sendable {
  let client: APIClient
  let rows: StationRows
  let order: OrderSummary
  let naming: DeviceIDPattern

  func run() async throws {
    var lines = ScannerLines()
    while let line = lines.next() {
      let text = line.trimmingCharacters(in: .whitespacesAndNewlines)
      if text.isEmpty { continue }
      let result = try await result(of: text)
      // At once: who holds the scanner waits for it. Where nobody does, no further board is made unseen.
      do {
        try StandardOutput.write(result.utf8)
      } catch {
        _ = try await rows.finish()
        throw error
      }
    }
    _ = try await rows.finish()
  }

  private func result(of text: String) async throws -> String {
    switch HardwareID.parse(text) {
    case .failure(let refusal):
      return try await refused(text, nil, "hardware-id-malformed", refusal.description)
    case .success(let hardware):
      guard let deviceID = naming.deviceID(for: hardware, number: 0) else {
        return try await refused(
          text, nil, "device-id-malformed", "expected \(naming) to make a device ID of it, found it does not")
      }
      return try await result(of: hardware, as: deviceID)
    }
  }

  private func result(of hardware: HardwareID, as deviceID: DeviceID) async throws -> String {
    switch try await rows.single(hardware, deviceID) {
    case .made: return "made \(deviceID) \(hardware) already"
    case .otherHardware:
      return try await refused(
        hardware.description, deviceID, "folder-taken", "expected no folder of \(deviceID), found one of other hardware"
      )
    case .board(let board): return try await answer(to: board)
    }
  }

  private func answer(to board: PendingBoard) async throws -> String {
    try await persisting { try await ask(board) }
  }

  /// nil where it is to be asked again.
  private func ask(_ board: PendingBoard) async throws -> String? {
    let (pieces, send) = AsyncStream.makeStream(of: ByteBuffer.self)
    send.yield(ByteBuffer(bytes: board.line))
    send.finish()
    let body = try await client.stream(
      "/v1/orders/\(segment(order.name.text))/enrollments", query: [("batch", rows.batch.description)], pieces)
    let lines = Array(try await body.collect(upTo: 1 << 20).readableBytesView).split(separator: UInt8(ascii: "\n"))
    guard lines.count == 2, let object = FlatObject(lines[1]) else { throw AnswerCutOff() }
    if let code = object.text("code") {
      if object["retry"] == .bool(true) { return nil }
      return try await refused(
        board.row.hardware.description, board.row.deviceID, code, object.text("reason") ?? "")
    }
    let facts = try RunFacts(head: Array(lines[0]), rows, order, client)
    let device = try MadeDevice.checked(object, for: board)
    let proofs = StationProofs(client: client, order: order.name)
    try await rows.made(try await proofs.proved([device]), facts)
    return "made \(board.row.deviceID) \(board.row.hardware) \(device.certificate?.serial ?? "keys")"
  }

  private func refused(
    _ hardware: String, _ deviceID: DeviceID?, _ code: String, _ reason: String
  ) async throws -> String {
    var cells = ManifestCells()
    (cells.hardware, cells.deviceID) = (hardware, deviceID?.text ?? "")
    try await rows.refuse(cells, code, reason)
    return "refused \(printable(hardware, upTo: 200)) \(code): \(printable(reason, upTo: 400))"
  }
}
