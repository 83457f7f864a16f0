import Enrollment
import HTTPTypes
import HummingbirdCore
import KeyVault
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
  let load: ServiceLoad
  /// Who asks, for routes that name an operation. Throws where it is nobody who may.
  let admit: @Sendable (PeerIdentity, Policy.Operation) async throws -> CallerIdentity

  /// A request before it found its route.
  struct Exchange: Sendable {
    let id: RequestID
    let at: Timestamp
    let request: Request
    let peer: PeerIdentity
    let held: HeldBody
  }

  @Sendable func respond(
    to request: Request, with writer: consuming ResponseWriter, for peer: PeerIdentity
  ) async throws {
    let started = ContinuousClock.now
    let now = clock.now()
    let network = peer.source.network
    let exchange = Exchange(
      id: RequestID(at: now), at: now, request: request, peer: peer, held: HeldBody(load.bodies, network))
    let isAdmitted = load.exchanges.admit(network)
    defer { if isAdmitted { load.exchanges.leave(network) } }
    let (answer, route, problem) =
      isAdmitted ? try await outcome(of: exchange) : refused(.busy, nil, exchange)
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
      return (try await work(found, RoutedRequest(exchange, target, found, parameters: parameters)), found, nil)
    } catch let refused as Problem {
      problem = refused
    } catch let gone as RoutedRequest.BodyLost {
      throw gone.cause
    } catch let failure as any StoreFailure where failure.outage != nil {
      problem = failure.outage.map(Problem.init) ?? .internalError
    } catch VaultError.sealed {
      // Sealed while it was worked on.
      problem = Problem(Refusal.sealed)
    } catch let failure as KeyKeeperFailure {
      observation.failed(exchange, failure)
      problem = Problem(failure)
    } catch {
      observation.failed(exchange, error)
      problem = .internalError
    }
    return refused(problem, route, exchange)
  }

  private func refused(_ problem: Problem, _ route: Route?, _ exchange: Exchange) -> (Answer, Route?, Problem?) {
    (Answer(problem, manner: route?.shape.manner ?? .api, instance: exchange.id), route, problem)
  }

  private func work(_ route: Route, _ request: RoutedRequest) async throws -> Answer {
    do {
      switch route.work {
      case .open(let handler): return try await handler(try await read(request, of: route))
      case .known(let operation, let handler):
        // Nobody's body is read who may do nothing with it; and who may can be nobody once it is there.
        let identity = try await admit(request.peer, operation)
        let whole = try await read(request, of: route)
        return try await known(
          handler, whole.body.isEmpty ? identity : try await admit(request.peer, operation), whole)
      }
    } catch let problem as Problem {
      if problem.isStrangers { strangers.refused(request.peer.source, code: problem.code, at: request.at) }
      throw problem
    }
  }

  private func read(_ request: RoutedRequest, of route: Route) async throws -> RoutedRequest {
    route.shape.isStreamed ? request : try await request.readBody()
  }

  private func known(
    _ handler: @escaping Route.KnownHandler, _ identity: CallerIdentity, _ request: RoutedRequest
  ) async throws -> Answer {
    let caller = try identity.caller(of: request)
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

  /// How much of an answer is handed to the connection at a time: who asks for a CRL and does not take it holds this much,
  /// and not a copy of the CRL.
  private static let piece = 64 * 1024

  private func body(of answer: Answer, _ exchange: Exchange) -> ResponseBody {
    guard exchange.request.method != .head else { return ResponseBody() }
    if let stream = answer.stream { return ResponseBody(stream) }
    guard !answer.body.isEmpty else { return ResponseBody() }
    guard answer.body.count > Dispatcher.piece else { return ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)) }
    return ResponseBody(contentLength: answer.body.count) { writer in
      for start in stride(from: 0, to: answer.body.count, by: Dispatcher.piece) {
        let end = min(start + Dispatcher.piece, answer.body.count)
        try await writer.write(ByteBuffer(bytes: answer.body[start..<end]))
      }
      try await writer.finish(nil)
    }
  }
}

extension Dispatcher {
  /// The same for the plain listener.
  var plain: Dispatcher {
    Dispatcher(
      table: table.plain, clock: clock, observation: observation, strangers: strangers,
      load: load, admit: admit)
  }
}
