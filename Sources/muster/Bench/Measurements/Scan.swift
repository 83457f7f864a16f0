import Foundation

/// A board at a time by a station that watches: from the scanner's line to the result's, everything of it on the disks.
struct Scan: Measurement {
  let name = "scan"
  let title = "board at a scanner"

  func figure(on stage: BenchStage) async throws -> Figure {
    let run = UUID().uuidString.lowercased().prefix(8)
    let station = try WatchingStation(server: stage.server, as: stage.people.station)
    defer { station.stop() }
    // The first waits for the station's start and its connection.
    try station.scan("cpu-serial:scan-\(run)-first")
    let load = try await stage.server.load(stage.plan.scans, connections: 1) { index in
      try station.scan("cpu-serial:scan-\(run)-\(index)")
    }
    return figure(timeOf: load, baseline: "fdatasync", stage.baselines.sync)
  }
}

/// `muster factory provision --watch` as a process of its own, with a scanner's hand on it.
private final class WatchingStation: Sendable {
  private let process = Process()
  private let folder: String
  private let scanner = Pipe()
  private let results = Pipe()

  init(server: BenchServer, as station: BenchIdentity) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "muster-station-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    let identity = folder + "/station.pem"
    try writeFile(identity, station.pem.utf8, mode: 0o600)
    process.executableURL = BenchServer.ownProgram
    process.arguments = [
      "factory", "provision", "--watch", "--device-id", "{serial}", "--order", BenchPeople.order, "--out",
      folder + "/made", "--server", server.address, "--identity", identity, "--ca", server.folder.path(of: .root),
    ]
    process.standardInput = scanner
    process.standardOutput = results
    try process.run()
  }

  func scan(_ hardware: String) throws {
    try scanner.fileHandleForWriting.write(contentsOf: Data((hardware + "\n").utf8))
    let line = BenchServer.readLine(results.fileHandleForReading)
    guard line.hasPrefix("made ") else { throw CommandFailure("expected a board that is made, found: \(line)") }
  }

  func stop() {
    try? scanner.fileHandleForWriting.close()
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: folder)
  }
}
