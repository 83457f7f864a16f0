import Enrollment
import Foundation
import MusterModel
import SQLiteStore

/// What the store takes to find one thing among so many devices, each time another at random.
struct FleetLookups {
  let devices: Int
  let count: Int

  /// Medians, in microseconds.
  struct Cost: Encodable, Sendable {
    let what: String
    let microseconds: Double
  }

  /// Opens the instance, and lets go of it. The opening's time is in milliseconds.
  func measure(_ instance: BenchInstance) async throws -> (opening: Double, [Cost]) {
    let clock = ContinuousClock()
    let began = clock.now
    return try await OpenInstance.with(instance.folder.path) { opened in
      ((clock.now - began).seconds * 1000, try await lookups(opened.readers))
    }
  }

  private func lookups(_ store: FolderStore) async throws -> [Cost] {
    let certificates = try await sample(store)
    return [
      try await cost("device by ID") { try await store.device(deviceID(), in: .instance) != nil },
      try await cost("device by hardware ID") {
        let hardware = try HardwareID.parse(FleetSeed.hardwareID(number())).get()
        return try await store.read { snapshot in
          try snapshot.hardware(hardware)?.boundTo.flatMap { try snapshot.device($0) }
        } != nil
      },
      try await cost("certificate by serial") {
        guard let serial = certificates.randomElement()?.serial else { return false }
        return try await store.certificate(.serial(serial)) != nil
      },
      try await cost("certificate by fingerprint") {
        guard let text = certificates.randomElement()?.fingerprint, let digest = Digest(hex: text) else { return false }
        return try await store.certificate(.fingerprint(digest)) != nil
      },
      try await cost("page of 100 devices") { try await page(store, group: nil) == 100 },
      try await cost("page of 100 devices of a group") {
        try await page(store, group: RecordName(BenchPeople.group)) == 100
      },
    ]
  }

  private func number() -> Int { .random(in: 0..<devices) }

  private func deviceID() throws -> DeviceID {
    guard let id = DeviceID(FleetSeed.deviceID(number())) else { throw CommandFailure("expected a device ID") }
    return id
  }

  private func page(_ store: FolderStore, group: RecordName?) async throws -> Int {
    guard let request = PageRequest(limit: 100, after: String(Int.random(in: 0..<(devices - 100)))) else { return 0 }
    return try await store.devices(request, DeviceFilter(group: group), in: .instance).rows.count
  }

  /// Some certificates of devices, from all over the fleet.
  private func sample(_ store: FolderStore) async throws -> [CertificateSummary] {
    var found: [CertificateSummary] = []
    for _ in 0..<min(count, 500) {
      guard let request = PageRequest(limit: 1, after: String(16 + number())) else { continue }
      found += try await store.certificates(request, of: nil, in: .instance).rows
    }
    return found
  }

  private func cost(_ what: String, _ lookup: () async throws -> Bool) async throws -> Cost {
    let clock = ContinuousClock()
    var times: [Double] = []
    for _ in 0..<count {
      let began = clock.now
      guard try await lookup() else { throw CommandFailure("expected to find a \(what), found nothing") }
      times.append((clock.now - began).seconds * 1e6)
    }
    return Cost(what: what, microseconds: times.sorted()[count / 2])
  }
}
