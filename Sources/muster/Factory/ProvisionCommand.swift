import ArgumentParser
import DeviceRegistry
import Enrollment
import Foundation
import Manifests
import MusterModel

struct ProvisionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provision",
    abstract: "Makes the boards of a manifest devices: keys, certificates, a folder for each.",
    discussion: """
      Example: muster factory provision --manifest boards.csv --out made --order june-pumps
      Before it: muster factory provision --manifest boards.csv --order june-pumps --check
      As a scanner reads them: muster factory provision --watch --device-id 'meter-{serial}' --out made
      Cut off at any point, the same command goes on where it stopped. Exit status 3: some rows were refused, and stand
      in OUT/refused.csv with code and reason.
      """)
  @OptionGroup var connection: Connection
  @Option(help: "The boards: CSV or NDJSON with hardware_id and device_id.", completion: .file())
  var manifest: String?
  @Flag(help: "Reads hardware IDs from standard input, one a line, and makes each at once; takes --device-id.")
  var watch = false
  @Option(help: "Where the devices' folders are made.", completion: .directory) var out: String?
  @Option(help: "One archive (tar) of all devices instead of folders.", completion: .file()) var bundle: String?
  @Option(
    help: "Requests that the boards made: <device ID>.csr or <hardware ID>.csr, PEM or DER.", completion: .directory)
  var requests: String?
  @Option(help: "The order; by default the only one that is open in the station's groups.") var order: String?
  @Option(help: "How device IDs are made that the manifest leaves out: meter-{serial}, pump-{n:06}.", transform: naming)
  var deviceID: DeviceIDPattern?
  @Option(
    help: "What each device is given: certificate, key (symmetric keys alone), or both.", transform: given)
  var credentials = DeviceCredentials.certificate
  @Flag(help: "Names every line that would be refused, and makes nothing.") var check = false
  @Flag(help: "With --check: the manifest by itself, without asking the service.") var offline = false

  func run() async throws {
    guard watch == (manifest == nil) else {
      throw CommandFailure("expected either --manifest FILE or --watch", status: 2)
    }
    guard bundle == nil || out == nil else {
      throw CommandFailure("expected either --out DIR or --bundle FILE", status: 2)
    }
    guard check || !offline else { throw CommandFailure("expected --offline with --check", status: 2) }
    if check, let manifest { return try await check(manifest) }
    guard let files else {
      throw CommandFailure("expected --out DIR or --bundle FILE: where the devices are put", status: 2)
    }
    if watch { return try await watch(files) }
    let progress = RunProgress("made")
    let counts = try await connection.withClient { client in
      let order = try await openOrder(client)
      try files.open()
      let boards = try manifest.map { try ManifestFile($0, naming: deviceID, requests: try requestFolder) }
      let rows = try StationRows(files, boards, order: order, credentials: credentials)
      return try await StationRun(client: client, rows: rows, order: order, progress: progress).run()
    }
    progress.end()
    print(
      "\(counts.made) made, \(counts.already) there already, \(counts.refused) refused"
        + (counts.refused > 0 ? ": \(files.refused)" : ""))
    if counts.refused > 0 { throw ExitCode(3) }
  }

  private var files: StationFiles? {
    bundle.map { StationFiles(bundle: $0) } ?? out.map { StationFiles(out: $0) }
  }

  private var requestFolder: RequestFolder? {
    get throws { try requests.map(RequestFolder.init) }
  }

  private func check(_ manifest: String) async throws {
    let manifest = try ManifestFile(manifest, naming: deviceID, requests: try requestFolder)
    var check = try ManifestCheck(manifest, out: files)
    if offline { return try check.run() }
    try await connection.withClient { client in
      let order = try await openOrder(client)
      try await check.run(asking: "/v1/orders/\(segment(order.name.text))/check", client) {
        AskedRow(row: $0, credentials: credentials)
      }
    }
  }

  /// The row's number is no name for a board of which there is no list.
  private func watch(_ files: StationFiles) async throws {
    guard requests == nil else {
      throw CommandFailure("expected --watch without --requests: the station makes the keys", status: 2)
    }
    guard let naming = deviceID, !naming.hasNumber else {
      throw CommandFailure("expected --device-id with {serial} in it, such as meter-{serial}", status: 2)
    }
    try await connection.withClient { client in
      let order = try await openOrder(client)
      try files.open()
      let rows = try StationRows(files, nil, order: order, credentials: credentials)
      try await StationWatch(client: client, rows: rows, order: order, naming: naming).run()
    }
  }

  private func openOrder(_ client: APIClient) async throws -> OrderSummary {
    try await client.openOrder(order)
  }
}

extension APIClient {
  /// The order of that name, or the only one that is open.
  func openOrder(_ name: String?) async throws -> OrderSummary {
    if let name { return try await get("/v1/orders/\(segment(name))") }
    var open: [OrderSummary] = []
    try await rows("/v1/orders") { (order: OrderSummary) in
      if order.state == .open { open.append(order) }
    }
    guard open.count == 1 else {
      throw CommandFailure("expected --order NAME where not just one order is open, found \(open.count)", status: 2)
    }
    return open[0]
  }
}

private func given(_ text: String) throws -> DeviceCredentials {
  guard let credentials = DeviceCredentials(rawValue: text) else {
    throw ValidationError("expected certificate, key or both")
  }
  return credentials
}

func naming(_ text: String) throws -> DeviceIDPattern {
  guard let pattern = DeviceIDPattern(text) else { throw ValidationError("expected \(DeviceIDPattern.rule)") }
  return pattern
}
