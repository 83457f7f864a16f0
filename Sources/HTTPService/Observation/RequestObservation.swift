import Logging
import MusterModel

/// What is noted of each request: one log line and a few numbers. Neither holds a header, a query, a body, or a path
/// that was not ours.
struct RequestObservation: Sendable {
  let logger: Logger
  let metrics: Metrics

  struct Entry {
    let exchange: Exchange
    let route: Route?
    let answer: Answer
    let problem: Problem?
    let took: Duration
  }

  func observed(_ entry: Entry) {
    let route = entry.route?.path ?? "none"
    let method = entry.route?.method.rawValue ?? "none"
    let status = String(entry.answer.status.code)
    metrics.add(to: MetricNames.requests, [route, method, status])
    metrics.observe(entry.took.seconds, in: MetricNames.duration, [route])
    if let problem = entry.problem { metrics.add(to: MetricNames.refusals, [problem.code]) }
    logger.info("request", metadata: metadata(entry, route, method, status))
  }

  private func metadata(_ entry: Entry, _ route: String, _ method: String, _ status: String) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "request": "\(entry.exchange.id)", "route": "\(route)", "method": "\(method)", "status": "\(status)",
      "source": "\(entry.exchange.peer.source)", "bytes": "\(entry.answer.body.count)",
      "ms": "\((entry.took.seconds * 10_000).rounded() / 10)",
    ]
    if let problem = entry.problem { metadata["code"] = "\(problem.code)" }
    return metadata
  }

  /// Something that no route foresaw. The error's own text is for the operator alone.
  func failed(_ exchange: Exchange, _ error: any Error) {
    logger.error("request failed", metadata: ["request": "\(exchange.id)", "error": "\(error)"])
  }
}

enum MetricNames {
  static let requests = "muster_http_requests_total"
  static let duration = "muster_http_request_duration_seconds"
  static let refusals = "muster_http_refusals_total"
  static let connections = "muster_http_connections"
  static let exchanges = "muster_http_requests_in_hand"
  static let keySecondsLeft = "muster_key_seconds_left"
  static let keyProtectionsLeft = "muster_key_protections_left"
  static let rolloverDevices = "muster_rollover_devices"
  static let rolloverRefused = "muster_rollover_refused_devices"
  static let rewrapped = "muster_vault_rewrapped_total"

  static let families: [Metrics.Family] = [
    .init(.counter, requests, labels: ["route", "method", "status"], help: "Requests answered."),
    .init(
      .histogram, duration, labels: ["route"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      help: "From a request's headers to its answer."),
    .init(.counter, refusals, labels: ["code"], help: "Requests refused, by the code that was answered."),
    .init(.gauge, connections, help: "Connections that stand."),
    .init(.gauge, exchanges, help: "Requests that are read, worked on or answered."),
    .init(
      .gauge, keySecondsLeft, labels: ["key"],
      help: "Until a key ring's newest version is replaced; below 0 it is late."),
    .init(
      .gauge, keyProtectionsLeft, labels: ["key"],
      help: "How often a key ring's newest version may still protect something."),
    .init(
      .gauge, rolloverDevices, labels: ["stage"],
      help: "Devices of the rollovers that are under way, by where they stand."),
    .init(
      .gauge, rolloverRefused, help: "Those of them that were refused a token, or the renewal, since it was resumed."),
    .init(.counter, rewrapped, help: "Secrets brought under the newest key-encryption key since the start."),
  ]
}

extension Duration {
  var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
