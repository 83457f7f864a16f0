import Enrollment
import HTTPTypes
import KeyVault
import MusterModel

/// Something that keeps the service from doing all it should, said so that an operator knows what to do next.
public struct HealthFinding: Sendable, Hashable, Encodable {
  /// Whether the service should get no requests meanwhile; else it is a warning.
  public let isBlocking: Bool
  /// Stable, in kebab-case: `vault-sealed`.
  public let code: String
  public let detail: String

  public init(isBlocking: Bool, code: String, detail: String) {
    self.isBlocking = isBlocking
    self.code = code
    self.detail = detail
  }

  private enum CodingKeys: String, CodingKey {
    case code, detail
    case isBlocking = "blocking"
  }
}

struct MonitoringRoutes {
  let findings: @Sendable () async -> [HealthFinding]
  let metrics: Metrics
  let load: ServiceLoad
  /// Key rings, for what is left of them.
  let keys: @Sendable () async throws -> [KeyRingSummary]
  let clock: any WallClock
  let rollovers: @Sendable () async throws -> [RolloverSituation]
  /// How many secrets were re-wrapped since the start.
  let rewrapped: @Sendable () -> UInt64
  /// Throws where the caller may not read metrics.
  let admit: @Sendable (Caller) async throws -> Void

  private struct Readiness: Encodable {
    let ready: Bool
    let findings: [HealthFinding]
  }

  private static func tell(_ campaigns: [RolloverCampaign], _ metrics: Metrics) {
    for stage in DeviceRollover.Stage.allCases {
      metrics.set(
        MetricNames.rolloverDevices, to: Double(campaigns.reduce(0) { $0 + $1.count(stage) }), [stage.rawValue])
    }
    metrics.set(MetricNames.rolloverRefused, to: Double(campaigns.reduce(0) { $0 + $1.refused }))
  }

  var routes: [Route] {
    [
      .anyone(.get, "/health/live", .init(isPlain: true)) { _ in .text("live\n") },
      .anyone(.get, "/health/ready", .init(isPlain: true)) { [findings] _ in
        let found = await findings()
        let isReady = !found.contains(where: \.isBlocking)
        return try .json(Readiness(ready: isReady, findings: found), isReady ? .ok : .serviceUnavailable)
      },
      .operation(.metricsRead, .get, "/metrics") {
        [metrics, load, keys, clock, rollovers, rewrapped, admit] _, caller in
        try await admit(caller)
        let now = clock.now()
        for key in try await keys() {
          let left = Double(key.rotates.milliseconds - now.milliseconds) / 1000
          metrics.set(MetricNames.keySecondsLeft, to: left, [key.name.text])
          guard let left = key.protectionsLeft else { continue }
          metrics.set(MetricNames.keyProtectionsLeft, to: Double(left), [key.name.text])
        }
        MonitoringRoutes.tell(try await rollovers().map(\.campaign), metrics)
        metrics.set(MetricNames.connections, to: Double(load.connections.total))
        metrics.set(MetricNames.exchanges, to: Double(load.exchanges.total))
        metrics.set(MetricNames.rewrapped, to: Double(rewrapped()))
        return Answer(type: "text/plain; version=0.0.4; charset=utf-8", metrics.text().utf8)
      },
      .anyone(.get, "/openapi.yaml") { _ in
        Answer(type: "application/yaml", PackageResources.openapi_yaml)
      },
    ]
  }
}
