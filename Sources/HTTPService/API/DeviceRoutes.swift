import Enrollment
import HTTPTypes
import MusterModel

/// `/v1/devices`, `/v1/certificates`, and `/v1/identity`, where a device asks of itself.
struct DeviceRoutes: Sendable {
  let rooms: ServiceRooms

  var routes: [Route] { reads + changes + [.device(.get, "/v1/identity") { try await identity($0) }] }

  private var reads: [Route] {
    [
      .operation(
        .deviceList, .get, "/v1/devices", .init(parameters: DeviceFilter.parameters.union(["limit", "after"]))
      ) {
        request, caller in
        let outcome = try await look(caller).devices(request.page(), request.deviceFilter())
        return try .json(outcome.answered())
      },
      .operation(.deviceShow, .get, "/v1/devices/{id}") { request, caller in
        let device = try await look(caller).device(request.deviceID()).answered()
        return try Answer.json(device).adding(.eTag, EntityTag.text(device.version))
      },
      .operation(.deviceHistory, .get, "/v1/devices/{id}/history", .paged) { request, caller in
        try .json(try await look(caller).history(of: request.deviceID(), request.page()).answered())
      },
      .operation(.certificateList, .get, "/v1/certificates", .init(parameters: ["limit", "after", "device"])) {
        request, caller in
        let device = try request.query["device"].map(request.deviceID)
        return try .json(try await look(caller).certificates(request.page(), of: device).answered())
      },
      .operation(.certificateShow, .get, "/v1/certificates/{certificate}") { request, caller in
        try .json(try await look(caller).certificate(request.certificateName()).answered())
      },
    ]
  }

  private func identity(_ request: RoutedRequest) async throws -> Answer {
    guard let leaf = request.peer.chain.first else { throw Problem.notAuthenticated(showing: []) }
    return try .json(try await DeviceIdentification(rooms.instance).identity(leaf: leaf).answered())
  }

  private var changes: [Route] {
    [
      .operation(.deviceEnable, .post, "/v1/devices/{id}/enable") { try await change($0, .enable, $1) },
      .operation(.deviceDisable, .post, "/v1/devices/{id}/disable") { try await change($0, .disable, $1) },
      .operation(.deviceRetire, .post, "/v1/devices/{id}/retire") { try await change($0, .retire, $1) },
      .operation(.deviceRekey, .post, "/v1/devices/{id}/keys") { request, caller in
        try .json(try await rooms.administration.rekey(try request.parameter("id"), by: caller).answered())
      },
      .operation(.deviceToken, .post, "/v1/devices/{id}/token") { request, caller in
        let input: TokenInput = try StrictJSON.decodeOptional(request)
        return try .json(
          try await rooms.administration.token(try request.parameter("id"), input, by: caller).answered())
      },
      .operation(.certificateRevoke, .post, "/v1/certificates/{certificate}/revoke") { request, caller in
        let input: RevocationInput = try StrictJSON.decodeOptional(request)
        let name = try request.parameter("certificate")
        return try await shown(try await rooms.administration.revoke(name, input, by: caller).answered())
      },
      .operation(.certificateRevoke, .post, "/v1/certificates/{certificate}/release") { request, caller in
        let name = try request.parameter("certificate")
        return try await shown(try await rooms.administration.release(name, by: caller).answered())
      },
    ]
  }

  private func shown(_ record: RecordID) async throws -> Answer {
    guard let certificate = try await rooms.instance.listings.certificate(.record(record)) else { return .noContent }
    return try .json(certificate)
  }

  private func change(
    _ request: RoutedRequest, _ change: Administration.DeviceChange, _ caller: Caller
  ) async throws -> Answer {
    let input: ReasonInput = try StrictJSON.decodeOptional(request)
    let id = try await rooms.administration.change(
      try request.parameter("id"), change, reason: input.reason, version: try EntityTag.ifMatch(request.headers),
      by: caller
    ).answered()
    guard let device = try await rooms.instance.listings.device(id) else { return .noContent }
    return try Answer.json(device).adding(.eTag, EntityTag.text(device.version))
  }

  private func look(_ caller: Caller) -> Inspection { Inspection(rooms.instance, for: caller) }
}
