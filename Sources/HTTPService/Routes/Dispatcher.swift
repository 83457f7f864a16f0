import Enrollment
import HTTPTypes
import HummingbirdCore
import KeyVault
import Logging
import MusterModel
import NIOCore
import Policy

/// Takes a request through its route to its answer; the one place where problems become answers.
struct Dispatcher: Sendable {
  let table: RouteTable
  let clock: any WallClock
  let observation: RequestObservation
  let strangers: StrangerLimits
  let load: ServiceLoad
  /// Who asks, for routes that name an operation. Throws where it is nobody who may.
  let admit: @Sendable (PeerIdentity, Policy.Operation) async throws -> CallerIdentity

  @Sendable func reply(to request: Request, for peer: PeerIdentity) async throws -> Reply {
    let started = ContinuousClock.now
    let exchange = Exchange(request, of: peer, at: clock.now(), load)
    let (answer, route, problem) =
      exchange.isAdmitted ? try await outcome(of: exchange) : refused(.busy, nil, exchange)
    observation.observed(
      .init(exchange: exchange, route: route, answer: answer, problem: problem, took: .now - started))
    return Reply(answer, to: exchange)
  }

  func outcome(of exchange: Exchange) async throws -> (Answer, Route?, Problem?) {
    var route: Route?
    let problem: Problem
    do {
      let target = try RequestTarget(exchange.head.path ?? "")
      let (found, parameters) = try find(exchange.head.method, target.path)
      route = found
      try target.query.check(known: found.shape.parameters)
      let answer = try await work(found, RoutedRequest(exchange, target, found, parameters: parameters))
      // Without a length it would be sent as chunks, and whoever asked for a head alone expects none (RFC 9112 §6.3).
      guard exchange.head.method != .head || answer.stream == nil else { throw Problem.methodNotAllowed([.get]) }
      return (answer, found, nil)
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
    case .wrongMethod(let allowed): throw .methodNotAllowed(allowed)
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
