import Enrollment
import HTTPTypes
import KeyVault
import MusterModel

/// `/v1/rollovers`, and `/v1/identity/key`, where a device fetches its new key.
struct RolloverRoutes: Sendable {
  let rooms: ServiceRooms
  let strangers: StrangerLimits

  var routes: [Route] {
    [
      .operation(.rolloverList, .get, "/v1/rollovers", .paged) { request, caller in
        try .json(try await look(caller).rollovers(request.page()).answered())
      },
      .operation(.rolloverPlan, .post, "/v1/rollovers") { request, caller in
        let input: RolloverInput = try StrictJSON.decode(request)
        return try await shown(try await rooms.administration.planRollover(input, by: caller).answered())
      },
      .operation(.rolloverShow, .get, "/v1/rollovers/{rollover}") { request, caller in
        try .json(try await look(caller).rollover(request.rollover()).answered())
      },
      .operation(.rolloverShow, .get, "/v1/rollovers/{rollover}/stragglers", .paged) { request, caller in
        try .json(try await look(caller).stragglers(of: request.rollover(), request.page()).answered())
      },
      .device(.get, "/v1/identity/key") { try await key($0) },
    ]
      + RolloverChange.allCases.map { change in
        .operation(change.operation, .post, "/v1/rollovers/{rollover}/\(change.rawValue)") { request, caller in
          try await shown(try await rooms.administration.change(request.rollover(), change, by: caller).answered())
        }
      }
  }

  private func shown(_ record: RecordID) async throws -> Answer {
    guard let rollover = try await rooms.instance.listings.rollover(record) else { return .noContent }
    return try .json(rollover)
  }

  private func look(_ caller: Caller) -> Inspection { Inspection(rooms.instance, for: caller) }

  private func key(_ request: RoutedRequest) async throws -> Answer {
    let outcome = try await DeviceKeyFetch(rooms.instance) { rooms.tokens.proved($0, version: $1) }
      .key(by: try evidence(request))
    return try .json(try DeviceEvidence(strangers: strangers).settle(outcome, of: request))
  }

  /// By a token in the field that names it (Azure IoT's, as hubs take it), or by the certificate of the connection.
  private func evidence(_ request: RoutedRequest) throws -> DeviceKeyFetch.Evidence {
    let fields = request.headers[values: .authorization]
    guard let field = fields.first else {
      guard let leaf = request.peer.chain.first else { throw Problem.notAuthenticated(showing: []) }
      return .certificate(leaf: leaf)
    }
    guard fields.count == 1, request.peer.chain.isEmpty else { throw Problem.evidenceAmbiguous }
    try strangers.checkAttempts(request.peer.source, at: request.at)
    guard let token = IdentityToken(field) else {
      throw DeviceEvidence(strangers: strangers).wrongToken(request)
    }
    return .token(token, trustDomain: rooms.points.trustDomain.name)
  }
}
