import ArgumentParser
import Enrollment
import Foundation
import MusterModel

/// `muster factory status`: what a station's folder holds, without the service.
struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Tells what was made in a folder, what is under way, and what is not confirmed.",
    discussion: "Example: muster factory status --out made --unconfirmed-since 2026-12-01T00:00:00Z")
  @OptionGroup var place: StationPlace
  @Option(help: "Lists the devices that were made before this time and are not confirmed.", transform: time)
  var unconfirmedSince: Timestamp?
  @OptionGroup var output: Output

  struct Status: Encodable {
    let order: RecordName?
    let batch: RecordID?
    let made: Int
    let underWay: Int
    let refused: Int
    let confirmed: Int
  }

  func run() throws {
    let station = try StationRecord(try place.files)
    if let unconfirmedSince {
      return try station.unconfirmed(madeBefore: unconfirmedSince) { print($0) }
    }
    let status = try station.status()
    try output.result(
      status,
      lines: [
        ("order", status.order?.text), ("batch", status.batch?.description), ("made", String(status.made)),
        ("under way", status.underWay == 0 ? "none" : "\(status.underWay): the same provision command goes on"),
        ("refused", String(status.refused)), ("confirmed", "\(status.confirmed) of \(status.made)"),
      ])
  }
}

/// Where a station put what it made.
struct StationPlace: ParsableArguments {
  @Option(help: "The station's folder.", completion: .directory) var out: String?
  @Option(help: "The archive of all devices, where that was made instead.", completion: .file()) var bundle: String?

  var files: StationFiles {
    get throws {
      guard (out == nil) != (bundle == nil) else {
        throw CommandFailure("expected either --out DIR or --bundle FILE", status: 2)
      }
      return bundle.map { StationFiles(bundle: $0) } ?? StationFiles(out: out ?? "")
    }
  }
}

private func time(_ text: String) throws -> Timestamp {
  guard let time = Timestamp(text) else { throw ValidationError("expected a time such as 2026-12-01T00:00:00Z") }
  return time
}
