import ArgumentParser
import Foundation

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures what the service costs, on fresh instances of its own, beside raw baselines in the same run.",
    discussion: """
      Example: muster bench --fleet 1000000 --html capacity.html
      One unit is one P-256 signature and one verification by openssl speed, on this machine, in this run.
      """,
    subcommands: [Run.self, Keys.self, Soak.self, Client.self], defaultSubcommand: Run.self)

  struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Takes every figure, and what it costs as the fleet grows.",
      discussion: """
        Example: muster bench --quick
        The figures are: \(measurements.map(\.name).joined(separator: ", ")).
        """)

    @Flag(help: "The short form: a small fleet, seconds in all.") var quick = false
    @Option(help: "How many devices there are; growth is measured at each power of ten from 10,000 up to them.")
    var fleet: Int?
    @Option(help: "How many certificates are revoked.") var revoked: Int?
    @Option(help: "How many connections are kept open.") var connections = 16
    @Option(help: "Only this figure; may be given several times.") var only: [String] = []
    @Option(help: "Writes the results as a page with plots, too.", completion: .file()) var html: String?
    @Option(help: "Writes the results for machines, too.", completion: .file()) var json: String?
    @OptionGroup var output: Output

    func validate() throws {
      let counts = 100...10_000_000
      guard counts.contains(fleet ?? 100), counts.contains(revoked ?? 100), (1...1024).contains(connections) else {
        throw ValidationError("expected 100 to 10000000 devices and revoked ones, and 1 to 1024 connections")
      }
      if let unknown = only.first(where: { name in !measurements.contains { $0.name == name } }) {
        throw ValidationError("expected a figure's name, found \(unknown)")
      }
    }

    func run() async throws {
      var plan = quick ? BenchPlan.quick : BenchPlan()
      plan.fleet = fleet ?? plan.fleet
      plan.revoked = revoked ?? plan.revoked
      plan.connections = connections
      let chosen = measurements.filter { only.isEmpty || only.contains($0.name) }
      let report = try await BenchRun(plan: plan, chosen: chosen).run()
      if let json { try writeFile(json, report.json(), mode: 0o644) }
      if let html { try writeFile(html, BenchPage(report).text.utf8, mode: 0o644) }
      try report.write(output)
    }
  }
}

/// Each figure that is taken, in the order in which it is shown.
private let measurements: [any Measurement] = [
  SingleEnrollment(), BatchEnrollment(), Scan(), CredentialReads(), SealedReads(), TokenChecks(), TokensInside(),
  FeedDelivery(),
  ListBuild(), FirstStatus(), ReadyStatus(), KeyUses(use: .encrypt), KeyUses(use: .mac), KeyUsesInside(use: .encrypt),
  KeyUsesInside(use: .mac), Rewraps(),
]
