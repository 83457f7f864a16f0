import Foundation

/// Devices that enroll by EST with a ticket each.
struct SingleEnrollment: Measurement {
  let name = "enrollment-single"
  let title = "enrollment by EST"

  func figure(on stage: BenchStage) async throws -> Figure {
    let (load, unit) = try await SingleEnrollment.load(on: stage, count: stage.plan.enrollments)
    return figure(load, baseline: "sign + verify", unit)
  }

  /// With the unit beside it. Keys, requests and tickets are made before anything is measured.
  static func load(on stage: BenchStage, count: Int) async throws -> (Load, unit: Double) {
    let run = UUID().uuidString.lowercased().prefix(8)
    let devices = try await stage.client(stage.people.administrator) { client in
      try await inParallel(count, stage.plan.connections) { index in
        try await DeviceRequest.make("est-\(run)-\(index)", hardware: "cpu-serial:est-\(run)-\(index)", by: client)
      }
    }
    return try await stage.client(nil) { client in
      try await stage.besideUnits {
        try await stage.server.load(count, connections: stage.plan.connections) { index in
          _ = try await devices[index].enroll(by: client)
        }
      }
    }
  }
}
