import ArgumentParser
import Enrollment
import Foundation
import MusterModel

/// `muster factory confirm`: boards that are flashed and tested need no key here any more.
struct ConfirmCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "confirm", abstract: "Wipes the keys of devices that are flashed and tested.",
    discussion: """
      Example: muster factory confirm --out made meter-1 meter-2
      In an archive they are wiped where they stand: muster factory confirm --bundle made.tar --all
      Where devices have symmetric keys, the service is told first: it hands them to nobody any more.
      A dead board is blocked: muster hardware block HWID.
      """)
  @OptionGroup var connection: Connection
  @OptionGroup var place: StationPlace
  @Argument(help: "The device IDs.") var devices: [String] = []
  @Flag(help: "All devices that were made here.") var all = false

  func run() async throws {
    let files = try place.files
    guard all == devices.isEmpty else {
      throw CommandFailure("expected either device IDs or --all", status: 2)
    }
    try files.open()
    let station = try StationRecord(files)
    guard try !station.holdsKeysOfMade(), !FileManager.default.fileExists(atPath: files.archive) else {
      throw CommandFailure("expected a run that is over, found one that was cut off: provision again first")
    }
    let wanted = all ? nil : Set(devices)
    if let wanted { try station.expectMade(wanted) }
    let keys = try files.keys()
    var count = 0
    /// Those whose symmetric keys lie here.
    var some: [DeviceID] = []
    try station.made { device in
      guard wanted?.contains(device.id.text) ?? true else { return }
      count += 1
      if try !station.isConfirmed(device.id) && keys.hasSymmetric(device) { some.append(device.id) }
    }
    try await tell(some, station.status().order)
    let confirmed = try AppendFile(files.confirmed)
    var lines: [UInt8] = []
    try station.made { device in
      guard wanted?.contains(device.id.text) ?? true, try !station.isConfirmed(device.id) else { return }
      try keys.wipe(device)
      lines += Array("\(device.id)\n".utf8)
    }
    // What is noted is wiped: it is not looked at again.
    try keys.sync()
    try confirmed.append(lines)
    try confirmed.sync()
    print("\(count) confirmed")
  }

  private func tell(_ devices: [DeviceID], _ order: RecordName?) async throws {
    guard !devices.isEmpty, let order else { return }
    try await connection.withClient { client in
      for start in stride(from: 0, to: devices.count, by: Administration.confirmationLimit) {
        let some = devices[start...].prefix(Administration.confirmationLimit).map(\.text)
        let _: Confirmed = try await client.post(
          "/v1/orders/\(segment(order.text))/confirmations", ConfirmationInput(devices: some))
      }
    }
  }
}
