import ArgumentParser
import Enrollment
import Manifests

struct AllowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allow",
    abstract: "Makes a manifest an allowlist: its boards enroll by themselves, as the devices of their rows.",
    discussion: """
      Example: muster factory allow --manifest boards.csv --out allowed --order june-pumps
      So boards enroll by their maker's certificate. With --secrets each has a one-time secret in OUT/secrets.csv, and
      enrolls with its device ID as user and that as password.
      Cut off at any point, the same command goes on where it stopped. Exit status 3: some rows were refused, and stand
      in OUT/refused.csv with code and reason.
      """)
  @OptionGroup var connection: Connection
  @Option(help: "The boards: CSV or NDJSON with hardware_id and device_id.", completion: .file())
  var manifest: String
  @Option(help: "Where refused.csv and secrets.csv are made.", completion: .directory) var out: String?
  @Option(help: "The order; by default the only one that is open in the station's groups.") var order: String?
  @Option(help: "How device IDs are made that the manifest leaves out: meter-{serial}, pump-{n:06}.", transform: naming)
  var deviceID: DeviceIDPattern?
  @Flag(help: "Gives each board a one-time secret, and writes them to OUT/secrets.csv.") var secrets = false
  @Option(help: "How long the secrets are good, at most to the order's end: 30d, 366d.")
  var valid = Lifetime(seconds: 30 * 86_400)
  @Flag(help: "Names every line that would be refused, and allows nothing.") var check = false

  func run() async throws {
    let boards = try ManifestFile(manifest, naming: deviceID)
    if check { return try await check(boards) }
    guard let out else { throw CommandFailure("expected --out DIR: where refused and secret rows are put", status: 2) }
    let files = StationFiles(out: out)
    let progress = RunProgress("allowed")
    let (counts, asked) = try await connection.withClient { client in
      let order = try await client.openOrder(order)
      try files.open()
      var run = try AllowRun(client, files, boards, order, validSeconds: secrets ? valid.seconds : nil, progress)
      return (try await run.run(), order)
    }
    progress.end()
    if counts.all - counts.refused > asked.count {
      standardError(
        "muster: order \(asked.name) makes \(asked.count) devices: of more boards those that come first")
    }
    print(
      "\(counts.made) allowed, \(counts.already) there already, \(counts.refused) refused"
        + (counts.refused > 0 ? ": \(files.refused)" : ""))
    if counts.refused > 0 { throw ExitCode(3) }
  }

  private func check(_ boards: ManifestFile) async throws {
    var check = try ManifestCheck(boards, out: nil)
    let validSeconds = secrets ? valid.seconds : nil
    try await connection.withClient { client in
      let order = try await client.openOrder(order)
      try await check.run(asking: "/v1/orders/\(segment(order.name.text))/allowances/check", client) {
        AllowanceRow(row: $0, number: UInt64($0.line), code: nil, validSeconds: validSeconds)
      }
    }
  }
}
