import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Where the service listens, with what certificate, and how patient it is.
public struct Listening: Sendable {
  public struct Address: Sendable, Hashable {
    public let host: String
    /// 0 for a free port.
    public let port: Int

    public init(host: String, port: Int) {
      self.host = host
      self.port = port
    }
  }

  /// The ports that were bound.
  public struct Bound: Sendable, Hashable {
    public let port: Int
    public let plainPort: Int?
  }

  let address: Address
  let plain: Address?
  let credential: CurrentCredential
  let limits: ConnectionLimits
  let onReady: @Sendable (Bound) async -> Void

  /// `plain` is where public routes are served without TLS; nil for nowhere. `onReady` is called once, when each
  /// listener is bound.
  public init(
    address: Address, plain: Address?, credential: CurrentCredential, limits: ConnectionLimits = ConnectionLimits(),
    onReady: @escaping @Sendable (Bound) async -> Void
  ) {
    self.address = address
    self.plain = plain
    self.credential = credential
    self.limits = limits
    self.onReady = onReady
  }
}

/// The listeners: one with TLS for all routes, and where it is wanted one without for the public ones.
struct Listeners: Service {
  let listening: Listening
  let dispatcher: Dispatcher
  let logger: Logger

  private enum Kind: Sendable { case secure, plain }

  func run() async throws {
    let ports = AsyncStream<(Kind, Int)>.makeStream()
    var services = [server(listening.address, dispatcher, .secure, ports.continuation)]
    if let plain = listening.plain { services.append(server(plain, dispatcher.plain, .plain, ports.continuation)) }
    let group = ServiceGroup(configuration: .init(services: services.map { .named($0) }, logger: logger))
    try await withThrowingTaskGroup { tasks in
      tasks.addTask {
        defer { ports.continuation.finish() }
        try await group.run()
      }
      tasks.addTask { await announce(ports.stream) }
      try await tasks.waitForAll()
    }
  }

  private func announce(_ ports: AsyncStream<(Kind, Int)>) async {
    var bound: [Kind: Int] = [:]
    for await (kind, port) in ports {
      bound[kind] = port
      guard let secure = bound[.secure], listening.plain == nil || bound[.plain] != nil else { continue }
      return await listening.onReady(.init(port: secure, plainPort: bound[.plain]))
    }
  }

  private func server(
    _ address: Listening.Address, _ dispatcher: Dispatcher, _ kind: Kind,
    _ ports: AsyncStream<(Kind, Int)>.Continuation
  ) -> any Service {
    ConnectionChannel(
      limits: listening.limits, census: dispatcher.load.connections,
      credential: kind == .secure ? listening.credential : nil,
      reply: dispatcher.reply
    ).server(
      configuration: ServerConfiguration(address: .hostname(address.host, port: address.port), backlog: 1024),
      onServerRunning: { channel in ports.yield((kind, channel.localAddress?.port ?? address.port)) },
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
  }
}
