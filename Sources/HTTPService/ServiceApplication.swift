import Enrollment
public import Logging
import MusterModel
public import ServiceLifecycle

/// The service over an instance: its routes, its listeners, and what it counts.
public struct ServiceApplication: Service {
  private let services: [any Service]
  private let logger: Logger

  /// `findings` says what is wrong with the instance, for `/health/ready`.
  public init(
    _ rooms: ServiceRooms, listening: Listening, logger: Logger,
    findings: @escaping @Sendable () async -> [HealthFinding]
  ) {
    let load = ServiceLoad(limits: listening.limits)
    let strangers = StrangerLimits()
    let dispatcher = Dispatcher(rooms, strangers: strangers, load: load, logger: logger, findings: findings)
    let recorder = RefusalRecorder(instance: rooms.instance, logger: logger)
    services = [
      TallyKeeper(limits: strangers, clock: rooms.instance.clock, record: recorder.record),
      TokenTallyKeeper(rooms: rooms, logger: logger),
      Listeners(listening: listening, dispatcher: dispatcher, logger: logger),
      PollRelease(signal: rooms.hubs.signal),
    ]
    self.logger = logger
  }

  /// Serves until the task is cancelled or a graceful shutdown is asked for; then requests in flight are finished
  /// within bounds.
  public func run() async throws {
    try await ServiceGroup(configuration: .init(services: services.map { .named($0) }, logger: logger)).run()
  }
}

extension Dispatcher {
  /// All routes over an instance.
  init(
    _ rooms: ServiceRooms, strangers: StrangerLimits, load: ServiceLoad, logger: Logger,
    findings: @escaping @Sendable () async -> [HealthFinding]
  ) {
    let metrics = Metrics(MetricNames.families)
    let monitoring = MonitoringRoutes(
      findings: findings, metrics: metrics, load: load, keys: { try await rooms.instance.listings.rings() },
      clock: rooms.instance.clock, rollovers: { try await rooms.instance.listings.rolloversUnderWay() },
      rewrapped: { rooms.vault.rewrapped }, admit: { try await rooms.check(.metricsRead, for: $0) })
    self.init(
      table: RouteTable(routes: monitoring.routes + ServiceRoutes(rooms: rooms, strangers: strangers).all),
      clock: rooms.instance.clock, observation: RequestObservation(logger: logger, metrics: metrics),
      strangers: strangers, load: load, admit: CallerIdentification(rooms.instance).admit)
  }
}

/// Records what strangers were refused, once a minute.
struct RefusalRecorder: Sendable {
  let instance: Instance
  let logger: Logger

  /// Whether it is on disk.
  @Sendable func record(_ counted: RefusalTally.Counted) async -> Bool {
    do {
      let event = try Event(
        at: instance.clock.now(), by: .service, on: [], counted.event, details: counted.details)
      _ = try await instance.store.commit(UnitOfWork(events: [event]))
      return true
    } catch {
      logger.error("refusals were not recorded", metadata: ["total": "\(counted.event.total)", "error": "\(error)"])
      return false
    }
  }
}
