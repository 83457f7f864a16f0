import HummingbirdCore
import Logging
import MusterModel
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// The service: one listener with TLS for all routes, and where it is wanted one without for the public ones.
public struct ServiceApplication: Service {
  /// Where it listens.
  public struct Listen: Sendable {
    public var host: String
    /// 0 for a free port.
    public var port: Int

    public init(host: String, port: Int) {
      self.host = host
      self.port = port
    }
  }

  /// The addresses that were bound, once it is ready.
  public struct Bound: Sendable, Hashable {
    public let port: Int
    public let plainPort: Int?
  }

  private let listen: Listen
  private let listenPlain: Listen?
  private let credential: CurrentCredential
  private let limits: ConnectionLimits
  private let table: RouteTable
  private let census: ConnectionCensus
  private let observation: RequestObservation
  private let clock: any WallClock
  private let logger: Logger
  private let onReady: @Sendable (Bound) async -> Void

  init(
    listen: Listen, plain: Listen?, credential: CurrentCredential, limits: ConnectionLimits, clock: any WallClock,
    logger: Logger, findings: @escaping @Sendable () async -> [HealthFinding], routes: [Route],
    onReady: @escaping @Sendable (Bound) async -> Void
  ) {
    self.listen = listen
    listenPlain = plain
    self.credential = credential
    self.limits = limits
    self.clock = clock
    self.logger = logger
    self.onReady = onReady
    let metrics = Metrics(MetricNames.families)
    census = ConnectionCensus(limits: limits)
    observation = RequestObservation(logger: logger, metrics: metrics)
    table = RouteTable(routes: HealthRoutes(findings: findings, metrics: metrics, census: census).routes + routes)
  }

  /// Serves until the task is cancelled or a graceful shutdown is asked for; then requests in flight are finished
  /// within bounds.
  public func run() async throws {
    let ports = AsyncStream<(isPlain: Bool, port: Int)>.makeStream()
    var services: [any Service] = [server(listen, credential, table) { ports.continuation.yield((false, $0)) }]
    if let listenPlain {
      services.append(server(listenPlain, nil, table.plain) { ports.continuation.yield((true, $0)) })
    }
    let group = ServiceGroup(configuration: .init(services: services, logger: logger))
    try await withThrowingTaskGroup { tasks in
      tasks.addTask { try await group.run() }
      tasks.addTask { [count = services.count] in await announce(ports.stream, count: count) }
      try await tasks.waitForAll()
    }
  }

  private func announce(_ ports: AsyncStream<(isPlain: Bool, port: Int)>, count: Int) async {
    var bound: [Bool: Int] = [:]
    for await (isPlain, port) in ports {
      bound[isPlain] = port
      if bound.count == count { break }
    }
    guard let port = bound[false] else { return }
    await onReady(Bound(port: port, plainPort: bound[true]))
  }

  private func server(
    _ listen: Listen, _ credential: CurrentCredential?, _ table: RouteTable,
    onRunning: @escaping @Sendable (Int) -> Void
  ) -> any Service {
    let dispatcher = Dispatcher(table: table, clock: clock, observation: observation)
    let channel = ConnectionChannel(
      limits: limits, census: census, credential: credential, respond: dispatcher.respond)
    return channel.server(
      configuration: ServerConfiguration(address: .hostname(listen.host, port: listen.port), backlog: 1024),
      onServerRunning: { channel in onRunning(channel.localAddress?.port ?? listen.port) },
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
  }
}
