import Foundation
import HubAccess
import MusterModel

/// Waits until every hub that concerns has given its receipt for what became of a certificate, and says when each did.
struct EnforcementWait {
  let client: APIClient
  let certificate: RecordID
  let limit: Duration

  private static let interval = Duration.milliseconds(20)

  func run() async throws {
    let clock = ContinuousClock()
    let end = clock.now + limit
    var told: Set<RecordName> = []
    while true {
      let enforcement: Enforcement = try await client.get("/v1/certificates/\(certificate)/enforcement")
      for hub in enforcement.hubs where hub.isEnforced && told.insert(hub.name).inserted { say(hub, enforcement) }
      let waiting = enforcement.hubs.filter { !$0.isEnforced }
      if waiting.isEmpty {
        if enforcement.hubs.isEmpty { print("no hub sees its device") }
        return
      }
      guard clock.now < end else {
        let names = waiting.map(\.name.text).joined(separator: ", ")
        throw CommandFailure("expected a receipt of \(names) by now, found none: see muster hub status", status: 3)
      }
      try await Task.sleep(for: EnforcementWait.interval)
    }
  }

  private func say(_ hub: Enforcement.Hub, _ enforcement: Enforcement) {
    let took =
      zip([enforcement.at].compactMap(\.self), [hub.received].compactMap(\.self))
      .map { ", \($1.milliseconds - $0.milliseconds) ms after" }.first ?? ""
    print("enforced by \(hub.name) at \(hub.received?.description ?? "")\(took)")
  }
}
