import HTTPTypes

/// The routes of a listener.
struct RouteTable: Sendable {
  enum Match {
    case route(Route, parameters: [String: String])
    case wrongMethod(allowed: [HTTPRequest.Method])
    case none
  }

  let routes: [Route]

  /// `HEAD` finds what `GET` finds (RFC 9110 §9.3.2).
  func match(_ method: HTTPRequest.Method, _ path: RequestTarget.Path) -> Match {
    let sought = method == .head ? .get : method
    var allowed: [HTTPRequest.Method] = []
    for route in routes {
      guard let parameters = route.pattern.match(path) else { continue }
      if route.method == sought { return .route(route, parameters: parameters) }
      allowed.append(route.method)
    }
    return allowed.isEmpty ? .none : .wrongMethod(allowed: allowed)
  }

  /// What the plain listener serves.
  var plain: RouteTable { RouteTable(routes: routes.filter { $0.shape.isPlain && $0.access == .anyone }) }
}
