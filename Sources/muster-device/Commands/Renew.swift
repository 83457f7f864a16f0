import ArgumentParser
import Foundation
import ServiceAnswers

struct Renew: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Renews the certificate where it is due, from two thirds of its time on.",
    discussion: """
      Example: muster-device renew --state /var/lib/muster-device
      Example: muster-device renew --daemon --state /var/lib/muster-device
      """)
  @Flag(help: "Goes on: waits until it is due, renews, and so on.") var daemon = false
  @Flag(help: "Renews now, due or not.") var now = false
  @OptionGroup var state: StateOptions

  func run() async throws {
    guard daemon else { return try await once() }
    var failures = 0
    while true {
      let wait: TimeInterval
      do {
        try await once()
        failures = 0
        let due = try state.device().certificate.renewalDue
        wait = RenewalTimes.wait(until: due.timeIntervalSinceNow, jitter: .random(in: 0..<1))
      } catch let failure as DeviceFailure where failure.isPassing {
        failures += 1
        standardError("muster-device: \(failure)")
        wait = RenewalTimes.backOff(failures, retryAfter: failure.retryAfter, jitter: .random(in: 0..<1))
      }
      try await Task.sleep(for: .seconds(wait))
    }
  }

  private func once() async throws {
    let device = try state.device()
    guard now || device.certificate.renewalDue <= Date() else {
      return print("not due before \(device.certificate.renewalDue.shown)")
    }
    guard device.certificate.isValid(at: Date()) else {
      throw DeviceFailure("expected a certificate in its time, found it over: enroll anew, with a new ticket")
    }
    let renewed = try await device.folder.locked { try await device.renewed() }
    print("renewed until \(renewed.leaf.notValidAfter.shown), serial \(renewed.serial)")
  }
}

/// When the daemon asks again, in seconds. `jitter` is from 0 to 1: of a fleet not all ask at once.
enum RenewalTimes {
  /// Looks at least each hour, for a clock may be set, and up to an hour after it is due.
  static func wait(until due: TimeInterval, jitter: Double) -> TimeInterval {
    due > 3600 ? 3600 : max(due, 0) + 60 + 3540 * jitter
  }

  /// A minute, then double, up to an hour; not before the service wants to be asked.
  static func backOff(_ failures: Int, retryAfter: Int?, jitter: Double) -> TimeInterval {
    let doubled = min(3600, 60 * Double(1 << min(failures - 1, 6)))
    return max(doubled * (0.5 + jitter / 2), Double(min(retryAfter ?? 0, 86_400)))
  }
}
