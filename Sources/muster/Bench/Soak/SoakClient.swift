import Foundation
import Synchronization

/// What a client is to do.
struct SoakOrders: Codable {
  let server: String
  /// The trust anchor's file.
  let root: String
  let administrator: BenchIdentity
  let hub: BenchIdentity
  /// What its devices' IDs begin with.
  let name: String
  /// Visits a second.
  let rate: Double
}

/// What a client met in a second.
struct SoakNews: Codable {
  /// Milliseconds of each visit, from when it was due.
  var times: [Double] = []
  var errors = 0
  var firstError: String?
}

/// What was met since it was last taken.
final class SoakTally: Sendable {
  private let news = Mutex(SoakNews())

  func add(_ more: SoakNews) {
    news.withLock { news in
      news.times += more.times
      news.errors += more.errors
      news.firstError = news.firstError ?? more.firstError
    }
  }

  func take() -> SoakNews {
    news.withLock { news in
      defer { news = SoakNews() }
      return news
    }
  }
}

/// Visits at an even pace, whatever the service's: one that comes late counts its waiting.
struct SoakClient {
  let orders: SoakOrders

  private static let lanes = 8

  func run() async throws {
    let visitor = try Visitor(orders)
    try await visitor.connect()
    let met = SoakTally()
    let turn = VisitCount()
    try await withThrowingDiscardingTaskGroup { group in
      for lane in 0..<SoakClient.lanes {
        group.addTask { await visit(visitor, lane, turn, met) }
      }
      while true {
        try await Task.sleep(for: .seconds(1))
        // Where whoever started us is gone, this throws.
        try FileHandle.standardOutput.write(contentsOf: try JSONEncoder().encode(met.take()) + Data("\n".utf8))
      }
    }
  }

  private func visit(_ visitor: Visitor, _ lane: Int, _ turn: VisitCount, _ met: SoakTally) async {
    let interval = Duration.seconds(Double(SoakClient.lanes) / orders.rate)
    let clock = ContinuousClock()
    var due = clock.now + interval * (Double(lane) / Double(SoakClient.lanes))
    while !Task.isCancelled {
      try? await clock.sleep(until: due)
      do {
        try await visitor.visit(turn.next())
        met.add(SoakNews(times: [(clock.now - due).seconds * 1000]))
      } catch {
        met.add(SoakNews(errors: 1, firstError: "\(error)"))
      }
      due += interval
    }
  }
}

/// A device that comes to be, and is asked about: a ticket, an enrollment, a hub's read.
struct Visitor: Sendable {
  private let name: String
  private let administrator, device, hub: BenchClient

  init(_ orders: SoakOrders, connections: Int = 8) throws {
    name = orders.name
    let client = { (identity: BenchIdentity?) in
      try BenchClient(server: orders.server, root: orders.root, as: identity, connections: connections)
    }
    administrator = try client(orders.administrator)
    device = try client(nil)
    hub = try client(orders.hub)
  }

  func visit(_ number: Int) async throws {
    let id = "\(name)-\(number)"
    let request = try await DeviceRequest.make(id, hardware: "cpu-serial:\(id)", by: administrator)
    _ = try await request.enroll(by: device)
    _ = try await hub.get("/v1/hub/devices/\(id)/credentials")
  }

  /// Opens all connections: how many the service has is then the same from the first visit on.
  func connect() async throws {
    for client in [administrator, device, hub] { try await client.connect() }
  }

  func shutdown() async throws {
    for client in [administrator, device, hub] { try await client.shutdown() }
  }
}

private final class VisitCount: Sendable {
  private let count = Atomic<Int>(0)
  func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).oldValue }
}
