public import Ledger
public import MusterModel

/// Takes the hubs' receipts: each is held to its hub's key and to the ledger, and becomes an event.
public struct Receipts: Sendable {
  /// By how much a hub's clock may run ahead.
  static let skew = Duration.seconds(300)

  private let reader: any HubReader
  private let store: any Store
  private let clock: any WallClock
  private let ledger: String

  /// `ledger` is the ledger's origin without its epoch.
  public init(_ reader: any HubReader, store: any Store, clock: any WallClock, ledger: String) {
    self.reader = reader
    self.store = store
    self.clock = clock
    self.ledger = ledger
  }

  /// `publicKey` is the SubjectPublicKeyInfo of the certificate that the hub shows: what the signature is checked with.
  /// A receipt that says no more than the last one is no event.
  public func take(
    _ receipt: Receipt, signature: [UInt8], publicKey: [UInt8], from credential: HubCredential
  ) async throws -> HubRefusal? {
    guard receipt.hub == credential.hub else { return .otherHub }
    let signed = SignedReceipt(receipt: receipt, publicKey: publicKey, signature: signature)
    guard signed.isValid(ledger: ledger) else { return .receiptForged }
    let now = clock.now()
    guard receipt.at < now + Receipts.skew else { return .receiptTime }
    guard try await reader.holds(LedgerPlace(size: receipt.size, root: receipt.root)) else { return .rolledBack }
    // A receipt is an event itself: were it reason enough for another, a hub could lengthen the ledger at will.
    guard try await reader.saysMore(receipt.size, from: receipt.hub) else { return nil }
    let event = try Event(
      at: now, by: Actor(receipt.hub, by: .certificate), on: [.record(receipt.hub)], ReceiptGiven(signed))
    switch try await store.commit(UnitOfWork(reads: credential.reads, events: [event])) {
    case .committed: return nil
    case .stale, .taken, .exhausted: return .notInOffice
    }
  }
}
