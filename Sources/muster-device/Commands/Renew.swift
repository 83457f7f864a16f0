import ArgumentParser
import Foundation
import ServiceAnswers

struct Renew: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      """
      Renews the certificate where it is due, from two thirds of its time on or when the service asks for it, and fetches the new
      symmetric key of a rollover.
      """,
    discussion: """
      Example: muster-device renew --state /var/lib/muster-device
      Example: muster-device renew --daemon --state /var/lib/muster-device
      """)
  @Flag(help: "Goes on: waits until it is due, renews, and so on.") var daemon = false
  @Flag(help: "Renews now, due or not.") var now = false
  @OptionGroup var state: StateOptions

  func run() async throws {
    var renewal = Renewal(state: state.state, isWanted: now)
    guard daemon else {
      _ = try await renewal.once()
      return try await renewal.followKeys()
    }
    while true { try await Task.sleep(for: .seconds(try await renewal.look())) }
  }
}

/// Renews where it is due, again and again. What passes is waited for: a service, a token or a TPM that is away.
struct Renewal {
  /// The state folder.
  let state: String
  /// Renews at the next look, due or not; no more once that was done.
  var isWanted = false
  private var failures = 0

  init(state: String, isWanted: Bool = false) {
    self.state = state
    self.isWanted = isWanted
  }

  /// Renews where it is due; gives how long to wait before the next look, in seconds. Throws what does not pass.
  mutating func look() async throws -> TimeInterval {
    do {
      let due = try await once().renewalDue
      try await followKeysOrSay()
      failures = 0
      return RenewalTimes.wait(until: due.timeIntervalSinceNow, jitter: .random(in: 0..<1))
    } catch let failure as DeviceFailure where failure.isPassing {
      failures += 1
      standardError("muster-device: \(failure)")
      return RenewalTimes.backOff(failures, retryAfter: failure.retryAfter, jitter: .random(in: 0..<1))
    }
  }

  /// Follows a rollover of the symmetric key, where the device has one.
  func followKeys() async throws {
    let device = try Device.read(try StateFolder.existing(at: state))
    let before = try SymmetricKeys.read(device.folder)?.primary.number
    let keys = try await device.folder.locked { try await KeyRollover(device: device).follow() }
    if let keys, keys.primary.number != before { print("tokens are signed with key \(keys.primary.number)") }
  }

  /// What does not pass is said, and ends no daemon: the certificate goes on without.
  private func followKeysOrSay() async throws {
    do {
      try await followKeys()
    } catch {
      if let failure = error as? DeviceFailure, failure.isPassing { throw failure }
      standardError("muster-device: \(error)")
    }
  }

  /// The certificate that there is then.
  mutating func once() async throws -> DeviceCertificate {
    let device = try Device.read(try StateFolder.existing(at: state))
    var isDue = isWanted || device.certificate.renewalDue <= Date()
    if !isDue { isDue = await isAskedFor(device) }
    guard isDue else {
      print("not due before \(device.certificate.renewalDue.shown)")
      return device.certificate
    }
    guard device.certificate.isValid(at: Date()) else {
      throw DeviceFailure("expected a certificate in its time, found it over: enroll anew, with a new ticket")
    }
    let renewed = try await device.folder.locked { try await device.renewed() }
    isWanted = false
    print("renewed until \(renewed.leaf.notValidAfter.shown), serial \(renewed.serial)")
    // The service sees by it that the new certificate arrived; else at the next look.
    _ = try? await Device.read(device.folder).identity()
    return renewed
  }

  /// Whether the service wants it renewed before it is due: an issuing CA may be on its way out. A service that does not
  /// answer asks for nothing.
  private func isAskedFor(_ device: Device) async -> Bool {
    do {
      return try await device.identity().suggestedWindow.map { $0.start <= Date() } ?? false
    } catch {
      standardError("muster-device: \(error)")
      return false
    }
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
