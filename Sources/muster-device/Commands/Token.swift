import ArgumentParser
import Foundation
import ServiceAnswers

struct Token: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints a token for a hub, signed with the device's symmetric key; asks nobody.",
    discussion: """
      Example: muster-device token --host mqtt.plant.example --state /var/lib/muster-device
      The key is read anew each time: renew brings the next one where the service rolls it over.
      """)
  @Option(help: "The hub's host.") var host: String
  @Option(help: "How many minutes it is good, 43200 (30 days) at most.") var minutes = 60
  @OptionGroup var state: StateOptions

  func validate() throws {
    guard (1...43_200).contains(minutes) else { throw ValidationError("expected --minutes from 1 to 43200") }
  }

  func run() async throws {
    let device = try state.device()
    guard let keys = try SymmetricKeys.read(device.folder) else {
      throw DeviceFailure("expected a device with a symmetric key, found none: enroll with --credentials both")
    }
    print(
      keys.primary.token(
        for: "\(host)/devices/\(device.certificate.deviceID)", until: Date() + Double(minutes) * 60))
  }
}
