import Enrollment
import HTTPTypes
import HummingbirdCore
import Logging
import MusterModel
import NIOCore
import Policy

/// Takes a request through its route and sends the answer; the one place where problems become answers.
struct Dispatcher: Sendable {
  let table: RouteTable
  let clock: any WallClock
  let observation: RequestObservation
  let strangers: StrangerLimits
  /// Who asks, for routes that name an operation.
  let identify: @Sendable (RoutedRequest) async throws -> Caller

  /// A request before it found its route.
  struct Exchange: Sendable {
    let id: RequestID
    let at: Timestamp
    let request: Request
    let peer: PeerIdentity
  }

  @Sendable func respond(
    to request: Request, with writer: consuming ResponseWriter, for peer: PeerIdentity
  ) async throws {
    let started = ContinuousClock.now
    let now = clock.now()
    let exchange = Exchange(id: RequestID(at: now), at: now, request: request, peer: peer)
    let (answer, route, problem) = try await outcome(of: exchange)
    observation.observed(
      .init(exchange: exchange, route: route, answer: answer, problem: problem, took: .now - started))
    try await writer.write(response: head(of: answer, exchange), body: body(of: answer, exchange))
  }

  func outcome(of exchange: Exchange) async throws -> (Answer, Route?, Problem?) {
    var route: Route?
    let problem: Problem
    do {
      let target = try RequestTarget(exchange.request.head.path ?? "")
      let (found, parameters) = try find(exchange.request.method, target.path)
      route = found
      try target.query.check(known: found.shape.parameters)
      let routed = RoutedRequest(
        exchange, target, parameters: parameters,
        body: found.shape.isStreamed ? [] : try await collect(exchange.request, limit: found.bodyLimit))
      return (try await work(found, routed), found, nil)
    } catch let refused as Problem {
      problem = refused
    } catch let gone as BodyLost {
      throw gone.cause
    } catch let failure as any StoreFailure where failure.outage != nil {
      problem = failure.outage.map(Problem.init) ?? .internalError
    } catch {
      observation.failed(exchange, error)
      problem = .internalError
    }
    return (Answer(problem, manner: route?.shape.manner ?? .api, instance: exchange.id), route, problem)
  }

  private func work(_ route: Route, _ request: RoutedRequest) async throws -> Answer {
    do {
      switch route.work {
      case .open(let handler): return try await handler(request)
      case .known(let handler): return try await known(handler, request)
      }
    } catch let problem as Problem {
      if problem.isStrangers { strangers.refused(request.peer.source, code: problem.code, at: request.at) }
      throw problem
    }
  }

  private func known(_ handler: Route.KnownHandler, _ request: RoutedRequest) async throws -> Answer {
    let caller = try await identify(request)
    do {
      // What operators ask may compute for long (a passphrase's key): not on the event loop.
      return try await withTaskExecutorPreference(globalConcurrentExecutor) { try await handler(request, caller) }
    } catch let problem as Problem where caller.principal == .anonymous {
      // Whoever said who they are might be allowed.
      throw problem.status == .forbidden ? .notAuthenticated(showing: request.peer.chain) : problem.counted()
    }
  }

  private func find(
    _ method: HTTPRequest.Method, _ path: RequestTarget.Path
  ) throws(Problem) -> (Route, [String: String]) {
    switch table.match(method, path) {
    case .route(let route, let parameters): return (route, parameters)
    case .none: throw .notFound
    case .wrongMethod(let allowed):
      let list = allowed.map(\.rawValue).joined(separator: ", ")
      throw Problem(.methodNotAllowed, "method-not-allowed", detail: "expected \(list)").adding(.allow, list)
    }
  }

  /// The connection broke while the body was read: nobody is there to be told.
  private struct BodyLost: Error { let cause: any Error }

  private func collect(_ request: Request, limit: Int) async throws -> [UInt8] {
    guard limit > 0 else { return [] }
    if let announced = request.headers[.contentLength].flatMap({ Int($0) }), announced > limit {
      throw Problem.tooLarge(limit: limit)
    }
    do {
      return Array(buffer: try await request.body.collect(upTo: limit))
    } catch is NIOTooManyBytesError {
      throw Problem.tooLarge(limit: limit)
    } catch {
      throw BodyLost(cause: error)
    }
  }

  private func head(of answer: Answer, _ exchange: Exchange) -> HTTPResponse {
    var head = HTTPResponse(status: answer.status, headerFields: answer.headers)
    if answer.status != .noContent, answer.status != .notModified, answer.stream == nil {
      head.headerFields[.contentLength] = String(answer.body.count)
    }
    head.headerFields[.date] = HTTPDate.text(exchange.at)
    head.headerFields[.requestID] = exchange.id.text
    head.headerFields[.contentTypeOptions] = "nosniff"
    if head.headerFields[.cacheControl] == nil { head.headerFields[.cacheControl] = "no-store" }
    return head
  }

  private func body(of answer: Answer, _ exchange: Exchange) -> ResponseBody {
    guard exchange.request.method != .head else { return ResponseBody() }
    if let stream = answer.stream { return ResponseBody(stream) }
    guard !answer.body.isEmpty else { return ResponseBody() }
    return ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
  }
}

extension RoutedRequest {
  init(
    _ exchange: Dispatcher.Exchange, _ target: RequestTarget, parameters: [String: String], body: [UInt8]
  ) {
    self.init(
      id: exchange.id, at: exchange.at, method: exchange.request.method, target: exchange.request.head.path ?? "",
      parameters: parameters, query: target.query, headers: exchange.request.headers, body: body,
      stream: exchange.request.body, peer: exchange.peer)
  }
}

extension Dispatcher {
  /// The same for the plain listener.
  var plain: Dispatcher {
    Dispatcher(
      table: table.plain, clock: clock, observation: observation, strangers: strangers, identify: identify)
  }
}
