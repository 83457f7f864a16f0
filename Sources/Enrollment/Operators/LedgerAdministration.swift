import Ledger
import MusterModel
import Policy

/// The answer to an erasure.
public struct ErasedEvent: Codable, Sendable, Hashable {
  /// The position whose details are gone.
  public let erased: UInt64

  public init(erased: UInt64) { self.erased = erased }
}

extension Administration {
  /// The ledger for a stranger to verify, as the last checkpoint has it.
  public func exportLedger(by caller: Caller) async throws -> Outcome<LedgerExportPieces> {
    switch try await grant(.ledgerExport, to: caller) {
    case .refused(let refusal): .refused(refusal)
    case .done: try await instance.ledger.export().map { .done($0) } ?? .refused(.positionUnknown)
    }
  }

  /// Erases the private attachment of an event. The erasure is an event itself, and says why.
  public func erase(_ position: UInt64, reason: String?, by caller: Caller) async throws -> Outcome<ErasedEvent> {
    guard let reason, (1...1024).contains(reason.utf8.count) else {
      return .refused(.malformed("reason", "a reason of 1 to 1024 bytes"))
    }
    return try await change(.ledgerErase, by: caller, asking: FactsQuery(), group: { _ in nil }) {
      _, grant, actor, now in
      guard try await instance.ledger.event(at: position) != nil else {
        return .refused(.positionUnknown)
      }
      if try await instance.facts.isInForce(position) { return .refused(.stillInForce) }
      let event = try Event(
        at: now, by: actor, on: [], policy: grant.decidedBy, EventErased(position: position),
        details: .init(reason: reason))
      return .commit(UnitOfWork(events: [event]), ErasedEvent(erased: position))
    }
  }
}

extension Refusal {
  static let stillInForce = Refusal(
    .conflict, "still-in-force",
    "expected an event of what is over, found one still decided by: retire, remove, unblock or cancel it first")
  static let positionUnknown = Refusal(
    .notFound, "position-unknown", "expected a position in the ledger, found one past its end")
}
