import Foundation
import MusterModel
import NIOCore

/// A station's batch on one connection.
struct BatchEnrollment: Measurement {
  let name = "enrollment-batch"
  let title = "enrollment in a batch"

  func figure(on stage: BenchStage) async throws -> Figure {
    let (load, unit) = try await BatchEnrollment.load(on: stage, count: stage.plan.batch)
    let cpu = load.cpuMicroseconds / Double(stage.plan.batch)
    return Figure(
      name: name, title: title, operations: stage.plan.batch, perSecond: Double(stage.plan.batch) / load.seconds,
      cpuMicroseconds: cpu, baseline: "sign + verify", baselineMicroseconds: unit, ratio: cpu / unit,
      comparesTime: false, latency: nil)
  }

  /// One exchange, with the unit beside it; keys and requests are made before.
  static func load(on stage: BenchStage, count: Int) async throws -> (Load, unit: Double) {
    let run = UUID().uuidString.lowercased().prefix(8)
    let rows = try await inParallel(count, ProcessInfo.processInfo.activeProcessorCount) { index in
      let csr = Data(try PeerKey().request(commonName: "batch")).base64EncodedString()
      return """
        {"csr":"\(csr)","deviceID":"batch-\(run)-\(index)","hardware":"cpu-serial:batch-\(run)-\(index)","row":\(index)}

        """
    }
    let pieces = stride(from: 0, to: count, by: 64).map { start in
      ByteBuffer(string: rows[start..<min(start + 64, count)].joined())
    }
    let batch = RecordID(.batch, UUIDv7(at: SystemClock().now()))
    return try await stage.client(stage.people.station, connections: 1) { client in
      try await stage.besideUnits {
        try await stage.server.load(1, connections: 1) { _ in
          let answer = try await client.stream("/v1/orders/\(BenchPeople.order)/enrollments?batch=\(batch)", pieces)
          let lines = String(buffer: answer).split(separator: "\n")
          let made = lines.count { $0.contains("\"certificate\":") }
          guard made == count else {
            let other = lines.dropFirst().first { !$0.contains("\"certificate\":") } ?? ""
            throw CommandFailure("expected \(count) devices of the batch, found \(made): \(other)")
          }
        }
      }
    }
  }
}
