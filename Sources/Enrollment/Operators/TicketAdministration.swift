import DeviceRegistry
import KeyVault
public import MusterModel
import Policy

// Tickets.

extension Administration {
  /// Issues a ticket. Its code is in this answer alone; the database has its HMAC.
  public func issueTicket(_ input: TicketInput, by caller: Caller) async throws -> Outcome<IssuedTicket> {
    guard !instance.vault.isSealed else { return .refused(.sealed) }
    var query = FactsQuery()
    let (deviceID, hardware): (DeviceID, HardwareID)
    do throws(Refusal) {
      deviceID = try parse(deviceID: input.deviceID)
      hardware = try parse(hardware: input.hardware)
      if let group = input.group { query.group = .name(try parse(name: group)) }
    } catch {
      return .refused(error)
    }
    query.deviceID = deviceID
    query.hardware = [hardware]
    let code = TicketCode.random()
    return try await change(.ticketIssue, by: caller, asking: query, isSecret: true) { facts, grant, actor, now in
      if input.group != nil, facts.group == nil { return .refused(Refusal(.groupUnknown)) }
      let request = TicketRequest(
        deviceID: deviceID, hardware: facts.hardware.first { $0.id == hardware } ?? KnownHardware(hardware, nil),
        isSwap: input.swap ?? false, group: facts.group, lifetime: .seconds(input.validSeconds ?? 86_400),
        code: try instance.vault.mac(of: code))
      let decision = Registry.issueTicket(request, device: facts.device, patterns: facts.patterns, at: now)
      return try decision.change(at: now, by: actor, policy: grant.decidedBy) { record in
        IssuedTicket(
          record: record ?? RecordID(.ticket, UUIDv7(at: now)),
          code: code.text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) },
          expires: now + request.lifetime)
      }
    }
  }

  public func cancelTicket(_ name: String, by caller: Caller) async throws -> Outcome<RecordID> {
    guard let record = RecordID(name), record.kind == .ticket else {
      return .refused(.malformed("ticket", "a ticket's record ID"))
    }
    var query = FactsQuery()
    query.ticket = .record(record)
    return try await change(.ticketCancel, by: caller, asking: query) { facts, grant, actor, now in
      guard let ticket = facts.ticket else { return .refused(Refusal(.ticketUnknown)) }
      return try Registry.cancel(ticket).change(at: now, by: actor, policy: grant.decidedBy) { _ in ticket.record }
    }
  }
}
