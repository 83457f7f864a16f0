import ArgumentParser
import Foundation

extension BenchCommand {
  struct Soak: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Loads an instance of its own for long, and kills clients at random: memory, file handles and times stay flat.",
      discussion: """
        Example: muster bench soak --seconds 900
        Each visit is a ticket, an enrollment by EST and a hub's read of the device. It ends with 1 where the last third of
        the time is not as the first, or where anyone but a killed client met an error.
        """)

    @Option(help: "How long the load lasts.") var seconds = 900
    @Option(help: "Which share of the rate that was measured before.") var share = 0.75
    @Option(help: "How many client processes there are.") var clients = 4
    @Option(help: "How many devices there are before.") var fleet = 0
    @OptionGroup var output: Output

    func validate() throws {
      guard (30...86_400).contains(seconds), (0.05...0.95).contains(share), (1...64).contains(clients),
        (0...10_000_000).contains(fleet)
      else {
        throw ValidationError(
          "expected 30 to 86400 seconds, a share of 0.05 to 0.95, 1 to 64 clients, and at most 10000000 devices")
      }
    }

    func run() async throws {
      let report = try await SoakRun(seconds: seconds, share: share, clients: clients, fleet: fleet).run()
      try output.result(SoakResult(report), lines: report.lines)
      if !report.complaints.isEmpty { throw ExitCode(1) }
    }
  }

  /// One client of a soak: orders on standard input, what it met on standard output.
  struct Client: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "A client of a soak, which starts it.", discussion: "Example: muster bench soak client < orders.json",
      shouldDisplay: false)

    func run() async throws {
      guard let line = readLine() else { throw CommandFailure("expected orders on standard input", status: 2) }
      try await SoakClient(orders: try JSONDecoder().decode(SoakOrders.self, from: Data(line.utf8))).run()
    }
  }
}
