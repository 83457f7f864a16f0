import Enrollment
import Foundation
import HTTPTypes
import HubAccess
import Ledger
import MusterModel
import Policy
import X509

/// `/v1/hub`: what a hub asks, of the devices assigned to it; and how operators see that hubs enforce.
struct HubRoutes: Sendable {
  let rooms: ServiceRooms

  var routes: [Route] { devices + ledger + operators }

  // MARK: - What a hub hears of the ledger, and says of it

  private var ledger: [Route] {
    [
      .operation(.hubFeed, .get, "/v1/hub/feed", .init(parameters: ["after", "root", "wait"])) { request, caller in
        let hub = try await hub(.hubFeed, caller)
        let wait = try request.query.number("wait", in: 0...Feed.longestWait.components.seconds) ?? 30
        let reading = try await Feed(rooms.hubs).page(for: hub, after: try place(request), waiting: .seconds(wait))
        switch reading {
        case .page(let page): return try .json(page)
        case .rolledBack: throw Problem(HubRefusal.rolledBack)
        case .notInOffice: throw Problem(HubRefusal.notInOffice)
        }
      },
      .operation(.hubReceipt, .post, "/v1/hub/receipts") { request, caller in
        let hub = try await hub(.hubReceipt, caller)
        let input: ReceiptInput = try StrictJSON.decode(request)
        guard let root = Digest(hex: input.root) else { throw Problem.rootMalformed }
        let receipts = Receipts(
          rooms.hubs, store: rooms.instance.store, clock: rooms.instance.clock, ledger: rooms.ledger)
        let refusal = try await receipts.take(
          Receipt(hub: input.hub, size: input.size, root: root, at: input.at),
          signature: try Base64Field.decode(input.signature, "signature"), publicKey: try publicKey(request), from: hub)
        if let refusal { throw Problem(refusal) }
        return .noContent
      },
    ]
  }

  private struct ReceiptInput: Codable {
    let hub: RecordID
    let size: UInt64
    let root: String
    let at: Timestamp
    /// ECDSA-Sig-Value, DER, in base64.
    let signature: String
  }

  private func place(_ request: RoutedRequest) throws(Problem) -> LedgerPlace {
    guard let size = try request.query.number("after", in: 0...UInt64(1) << 53) else {
      throw .badRequest("parameter-malformed", "expected after, the size that the page before ended at")
    }
    guard let root = request.query["root"].flatMap({ Digest(hex: $0) }) else { throw .rootMalformed }
    return LedgerPlace(size: size, root: root)
  }

  /// Of the certificate that the connection shows.
  private func publicKey(_ request: RoutedRequest) throws -> [UInt8] {
    guard let leaf = request.peer.chain.first else { throw Problem.notAuthenticated(showing: []) }
    return try Certificate(derEncoded: leaf).publicKey.serializeAsPEM().derBytes
  }

  // MARK: - What operators see

  private var operators: [Route] {
    [
      .operation(.hubStatus, .get, "/v1/hubs/status") { _, caller in
        try await rooms.check(.hubStatus, for: caller)
        return try .json(try await rooms.hubs.statuses())
      },
      .operation(.certificateShow, .get, "/v1/certificates/{certificate}/enforcement") { request, caller in
        let found = try await Inspection(rooms.instance, for: caller).certificate(request.certificateName()).answered()
        return try .json(try await rooms.hubs.enforcement(ofCertificate: found.record))
      },
    ]
  }

  // MARK: - Who asks

  func hub(_ operation: Policy.Operation, _ caller: Caller) async throws -> HubCredential {
    try await rooms.check(operation, for: caller)
    guard case .hub(let record, _, _, let certificate) = caller.principal else {
      throw Problem(.forbidden, "not-a-hub", detail: "expected a hub, found another caller")
    }
    return HubCredential(hub: record, certificate: certificate, reads: caller.reads)
  }
}

extension Problem {
  static let rootMalformed = Problem.badRequest("parameter-malformed", "expected a root of 64 hexadecimal digits")

  init(_ refusal: HubRefusal) {
    self.init(refusal.status, refusal.code, detail: refusal.description)
    switch refusal {
    case .notInOffice: headers[.wwwAuthenticate] = "Certificate"
    case .vaultSealed, .contended: headers[.retryAfter] = "5"
    default: break
    }
  }
}

extension HubRefusal {
  fileprivate var status: HTTPResponse.Status {
    switch self {
    case .deviceUnknown, .certificateUnknown: .notFound
    case .rolledBack, .withoutSealKey: .conflict
    case .notInOffice: .unauthorized
    case .vaultSealed, .contended: .serviceUnavailable
    case .otherHub, .receiptForged: .forbidden
    case .receiptTime: .badRequest
    }
  }
}

extension Result where Failure == HubRefusal {
  func answered() throws(Problem) -> Success {
    switch self {
    case .success(let value): return value
    case .failure(let refusal): throw Problem(refusal)
    }
  }
}
