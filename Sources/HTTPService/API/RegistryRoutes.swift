import Enrollment
import HTTPTypes
import MusterModel

/// `/v1/hardware`, `/v1/groups` and `/v1/tickets`.
struct RegistryRoutes: Sendable {
  let rooms: ServiceRooms
  let strangers: StrangerLimits

  var routes: [Route] { hardware + groups + tickets }

  private var hardware: [Route] {
    [
      .operation(.hardwareList, .get, "/v1/hardware", .paged) { request, caller in
        try .json(try await Inspection(rooms.instance, for: caller).hardware(request.page()).answered())
      },
      .operation(.hardwareAllow, .post, "/v1/hardware/allow") { try await list($0, .allow, $1) },
      .operation(.hardwareBlock, .post, "/v1/hardware/block") { try await list($0, .block, $1) },
      .operation(.hardwareUnblock, .post, "/v1/hardware/unblock") { try await list($0, .unblock, $1) },
      .operation(.hardwareImport, .post, "/v1/hardware/import", .init(bodyLimit: 1024 * 1024)) { request, caller in
        let inputs: [HardwareInput] = try StrictJSON.decode(request)
        let refusals = try await rooms.administration.importHardware(inputs, by: caller).answered()
        for refusal in refusals.compactMap(\.self) where refusal.isToBeCounted {
          strangers.refused(request.peer.source, code: refusal.code, at: request.at)
        }
        return try .json(
          zip(inputs, refusals).map { HardwareResult(hardware: $0.hardware, refusal: $1) })
      },
    ]
  }

  private var groups: [Route] {
    [
      .operation(.groupList, .get, "/v1/groups", .paged) { request, caller in
        try .json(try await Inspection(rooms.instance, for: caller).groups(request.page()).answered())
      },
      .operation(.groupShow, .get, "/v1/groups/{name}") { request, caller in
        try .json(try await Inspection(rooms.instance, for: caller).group(request.name()).answered())
      },
      .operation(.groupAdd, .post, "/v1/groups") { request, caller in
        let input: GroupInput = try StrictJSON.decode(request)
        let anchors = try PEMText.certificates(input.trustAnchors ?? [])
        return try .json(try await rooms.administration.addGroup(input, anchors: anchors, by: caller).answered())
      },
      .operation(.groupRemove, .delete, "/v1/groups/{name}") { request, caller in
        _ = try await rooms.administration.removeGroup(try request.parameter("name"), by: caller).answered()
        return .noContent
      },
    ]
  }

  private var tickets: [Route] {
    [
      .operation(.ticketList, .get, "/v1/tickets", .paged) { request, caller in
        try .json(try await Inspection(rooms.instance, for: caller).tickets(request.page()).answered())
      },
      .operation(.ticketIssue, .post, "/v1/tickets") { request, caller in
        let input: TicketInput = try StrictJSON.decode(request)
        return try .json(try await rooms.administration.issueTicket(input, by: caller).answered())
      },
      .operation(.ticketCancel, .delete, "/v1/tickets/{ticket}") { request, caller in
        _ = try await rooms.administration.cancelTicket(try request.parameter("ticket"), by: caller).answered()
        return .noContent
      },
    ]
  }

  private func list(
    _ request: RoutedRequest, _ change: Administration.HardwareChange, _ caller: Caller
  ) async throws -> Answer {
    let input: HardwareInput = try StrictJSON.decode(request)
    return try .json(try await rooms.administration.list(input, change, by: caller).answered())
  }
}
