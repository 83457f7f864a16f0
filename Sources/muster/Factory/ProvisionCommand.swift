import ArgumentParser
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
  @Option(help: "The order; by default the only one that is open in the station's groups.") var order: String?
  @Option(help: "How device IDs are made that the manifest leaves out: meter-{serial}, pump-{n:06}.", transform: naming)
  var deviceID: DeviceIDPattern?
  @Option(
    help: "What each device is given: certificate, key (symmetric keys alone), or both.", transform: given)
  var credentials = DeviceCredentials.certificate
  @Flag(help: "Reads the manifest, names every bad line, and makes nothing.") var check = false

  func run() async throws {
    guard watch == (manifest == nil) else {
      throw CommandFailure("expected either --manifest FILE or --watch", status: 2)
    }
    if check, let manifest { return try ManifestCheck(path: manifest, naming: deviceID).run() }
    guard let out else { throw CommandFailure("expected --out DIR: where the devices' folders are made", status: 2) }
    let files = StationFiles(out: out)
    let progress = RunProgress()
    if watch { return try await watch(files) }
    let counts = try await connection.withClient { client in
      let order = try await openOrder(client)
      try files.open()
      let rows = try StationRows(
        files, manifest: manifest, naming: deviceID, order: order.name, credentials: credentials)
      return try await StationRun(client: client, rows: rows, order: order, progress: progress).run()
    }
    progress.end()
    print(
      "\(counts.made) made, \(counts.already) there already, \(counts.refused) refused"
        + (counts.refused > 0 ? ": \(files.refused)" : ""))
    if counts.refused > 0 { throw ExitCode(3) }
  }

  /// The row's number is no name for a board of which there is no list.
  private func watch(_ files: StationFiles) async throws {
    guard let naming = deviceID, !naming.hasNumber else {
      throw CommandFailure("expected --device-id with {serial} in it, such as meter-{serial}", status: 2)
    }
    try await connection.withClient { client in
      let order = try await openOrder(client)
      try files.open()
      let rows = try StationRows(files, manifest: nil, naming: nil, order: order.name, credentials: credentials)
      try await StationWatch(client: client, rows: rows, order: order, naming: naming).run()
    }
  }

  /// The order of that name, or the only one that is open.
  private func openOrder(_ client: APIClient) async throws -> OrderSummary {
    if let order { return try await client.get("/v1/orders/\(segment(order))") }
    var open: [OrderSummary] = []
    try await client.rows("/v1/orders") { (order: OrderSummary) in
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

private func naming(_ text: String) throws -> DeviceIDPattern {
  guard let pattern = DeviceIDPattern(text) else { throw ValidationError("expected \(DeviceIDPattern.rule)") }
  return pattern
}

/// `--check`: the manifest by itself.
struct ManifestCheck {
  let path: String
  let naming: DeviceIDPattern?

  func run() throws {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw CommandFailure("expected a manifest, found none that can be read at \(path)", status: 2)
    }
    var reader = ManifestReader(naming: naming)
    var (rows, faults) = (0, 0)
    func count(_ lines: [ManifestLine]) {
      for line in lines {
        switch line {
        case .row: rows += 1
        case .fault(let fault):
          faults += 1
          print("line \(fault.line): \(fault.code): \(fault.reason)")
        }
      }
    }
    do {
      while let bytes = try file.read(upToCount: 1 << 16), !bytes.isEmpty { count(try reader.read(bytes)) }
      count(try reader.finish().map { [$0] } ?? [])
    } catch let error as ManifestError {
      throw CommandFailure("\(error)", status: 2)
    }
    standardError("muster: \(rows) rows are good, \(faults) are not")
    if faults > 0 { throw ExitCode(3) }
  }
}
