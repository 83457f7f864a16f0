import Enrollment
import HTTPTypes
import MusterModel

/// `/v1/orders`.
struct OrderRoutes: Sendable {
  let rooms: ServiceRooms

  var routes: [Route] {
    [
      .operation(.orderList, .get, "/v1/orders", .paged) { request, caller in
        try .json(try await look(caller).orders(request.page()).answered())
      },
      .operation(.orderShow, .get, "/v1/orders/{name}") { request, caller in
        try .json(try await look(caller).order(request.name()).answered())
      },
      .operation(.orderAdd, .post, "/v1/orders") { request, caller in
        let input: OrderInput = try StrictJSON.decode(request)
        _ = try await rooms.administration.addOrder(input, by: caller).answered()
        return try await shown(try request.name(input.name), request)
      },
      .operation(.orderClose, .post, "/v1/orders/{name}/close") { request, caller in
        _ = try await rooms.administration.closeOrder(try request.parameter("name"), by: caller).answered()
        return try await shown(try request.name(), request)
      },
      .operation(.orderProvision, .post, "/v1/orders/{name}/confirmations") { request, caller in
        let input: ConfirmationInput = try StrictJSON.decode(request)
        return try .json(try await rooms.administration.confirm(input, of: request.name(), by: caller).answered())
      },
    ]
  }

  private func shown(_ name: RecordName, _ request: RoutedRequest) async throws -> Answer {
    guard let order = try await rooms.instance.listings.order(name, at: request.at) else { return .noContent }
    return try .json(order)
  }

  private func look(_ caller: Caller) -> Inspection { Inspection(rooms.instance, for: caller) }
}
