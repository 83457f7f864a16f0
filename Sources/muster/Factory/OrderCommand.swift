import ArgumentParser
import Enrollment
import Foundation
import MusterModel

struct OrderCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "order", abstract: "Orders: which station may make how many devices, in which group, until when.",
    subcommands: [Add.self, List.self, Show.self, Close.self])

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Adds an order.",
      discussion: "Example: muster factory order add june-pumps --station line-1 --group pumps --count 5000 --until 30d"
    )
    @OptionGroup var connection: Connection
    @Argument(help: "The order's name.") var name: String
    @Option(help: "The station: an operator with the role factory-line.") var station: String
    @Option(help: "The group that its devices are in.") var group: String
    @Option(help: "How many devices it lets be made.") var count: UInt64
    @Option(help: "Its end: a time (2026-12-01T00:00:00Z) or how long from now (12h, 30d).") var until: OrderEnd?

    func run() async throws {
      let request = OrderInput(
        name: name, station: station, group: group, count: count, until: until?.time(from: SystemClock().now()))
      let order: OrderSummary = try await connection.withClient { try await $0.post("/v1/orders", request) }
      print("\(order.name) \(order.record)")
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the orders.", discussion: "Example: muster factory order list")
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output

    func run() async throws {
      var listing = output.listing([
        Column<OrderSummary>("order") { $0.name.text }, Column("station") { $0.station?.text },
        Column("group") { $0.group?.text }, Column("made") { String($0.made) }, Column("of") { String($0.count) },
        Column("until", time: \.until), Column("state") { $0.state.rawValue },
        Column("last refused") { $0.lastRefusal.map { "\(shortTime($0.at)) \($0.code)" } },
      ])
      try await connection.withClient { client in try await client.rows("/v1/orders") { try listing.add($0) } }
      listing.finish()
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows an order, and how much of it is left.",
      discussion: "Example: muster factory order show june-pumps"
    )
    @OptionGroup var connection: Connection
    @OptionGroup var output: Output
    @Argument(help: "The order's name.") var name: String

    func run() async throws {
      let order: OrderSummary = try await connection.withClient { try await $0.get("/v1/orders/\(segment(name))") }
      try output.result(order, lines: order.lines)
    }
  }

  struct Close: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Closes an order for good: nothing is made by it any more.",
      discussion: "Example: muster factory order close june-pumps")
    @OptionGroup var connection: Connection
    @Argument(help: "The order's name.") var name: String

    func run() async throws {
      let order: OrderSummary = try await connection.withClient {
        try await $0.post("/v1/orders/\(segment(name))/close", [String: String]())
      }
      print("\(order.name) \(order.state.rawValue), \(order.made) of \(order.count) made")
    }
  }
}

/// When an order ends, as people write it.
enum OrderEnd: ExpressibleByArgument, Sendable {
  case at(Timestamp)
  case after(Lifetime)

  init?(argument: String) {
    if let lifetime = Lifetime(argument: argument) {
      self = .after(lifetime)
    } else if let time = Timestamp(argument) {
      self = .at(time)
    } else {
      return nil
    }
  }

  func time(from now: Timestamp) -> Timestamp {
    switch self {
    case .at(let time): time
    case .after(let lifetime): now + .seconds(lifetime.seconds)
    }
  }
}

extension OrderSummary {
  fileprivate var lines: [(String, String?)] {
    [
      ("order", name.text), ("state", state.rawValue), ("record", record.description), ("station", station?.text),
      ("group", group?.text), ("hub", hub.map { "\($0)\(hubHost.map { " (\($0))" } ?? "")" }),
      ("made", "\(made) of \(count)"), ("until", until?.description ?? "closed"), ("added", added.description),
      ("last refused", lastRefusal.map { "\($0.at) \($0.code): \($0.reason ?? "erased")" }),
    ]
  }
}
