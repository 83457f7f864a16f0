import Enrollment
import Foundation
import HTTPTypes
import HubAccess
import MusterModel
import NIOCore

/// What a hub reads of the devices assigned to it, how it verifies their tokens, and what it says that it verified itself.
extension HubRoutes {
  var devices: [Route] {
    [
      .operation(.hubDevices, .get, "/v1/hub/devices/{id}/credentials", .init(parameters: ["keys"])) {
        request, caller in
        let (hub, keys) = try await reader(request, caller)
        let reading = try await credentials.device(
          request.deviceID(), for: hub, keys, known: EntityTag.ifNoneMatch(request.headers)
        ).answered()
        let answer = try reading.device.map { try Answer.json($0) } ?? Answer(.notModified)
        return answer.adding(.eTag, EntityTag.weak(reading.tag))
      },
      .operation(.hubReadKeys, .get, "/v1/hub/credentials", .init(parameters: ["keys"])) { request, caller in
        try await rooms.check(.hubReadKeys, for: caller)
        let (hub, keys) = try await reader(request, caller)
        guard keys != .none else {
          throw Problem.badRequest("parameter-malformed", "expected keys=sealed or keys=plain, found neither")
        }
        return stream(try await credentials.fleet(for: hub, keys).answered())
      },
      .operation(.hubDevices, .get, "/v1/hub/certificates/{certificate}") { request, caller in
        let hub = try await hub(.hubDevices, caller)
        return try .json(try await credentials.device(of: try certificateKey(request), for: hub).answered())
      },
      .operation(.hubDevices, .get, "/v1/hub/devices", .init(parameters: ["limit", "after", "keys"])) {
        request, caller in
        let (hub, keys) = try await reader(request, caller)
        let limit = try request.query.number("limit", in: PageRequest.limits) ?? 1000
        let after = try request.query.number("after", in: 0...Int64.max) ?? -1
        let (reading, devices) = try await credentials.snapshot(for: hub, after: after, limit: limit, keys).answered()
        return Answer(type: HubRoutes.lines, try lines(of: SnapshotHead(reading)) + lines(of: devices))
      },
      .operation(.hubVerifyTokens, .post, "/v1/hub/tokens/verify", .init(bodyLimit: 512 * 1024)) { request, caller in
        let hub = try await hub(.hubVerifyTokens, caller)
        let input: TokensInput = try StrictJSON.decode(request)
        guard (1...TokenVerification.limit).contains(input.tokens.count) else {
          throw Problem.badRequest(
            "too-many-tokens", "expected 1 to \(TokenVerification.limit) tokens, found \(input.tokens.count)")
        }
        let verification = TokenVerification(
          rooms.hubs, store: rooms.instance.store, vault: rooms.instance.vault, clock: rooms.instance.clock,
          tally: rooms.tokens)
        let results = TokenResults(results: try await verification.verify(input.tokens, for: hub).answered())
        return Answer(type: "application/json", JSONWriter.bytes(of: results))
      },
      // Under the right to read keys: without them nobody can have verified by them, and who has them could make the tokens.
      .operation(.hubReadKeys, .post, "/v1/hub/proofs") { request, caller in
        let hub = try await hub(.hubReadKeys, caller)
        let input: ProofsInput = try StrictJSON.decode(request)
        guard (1...HubProofs.limit).contains(input.proofs.count) else {
          throw Problem.badRequest(
            "too-many-proofs", "expected 1 to \(HubProofs.limit) proofs, found \(input.proofs.count)")
        }
        let proofs = HubProofs(
          rooms.hubs, store: rooms.instance.store, clock: rooms.instance.clock, tally: rooms.tokens)
        return try .json(ProofResults(results: try await proofs.take(input.proofs, from: hub).answered()))
      },
    ]
  }

  private struct TokensInput: Codable { let tokens: [String] }
  private struct ProofsInput: Codable { let proofs: [ReportedProof] }
  private struct ProofResults: Encodable { let results: [ProofResult] }

  private struct TokenResults: CanonicalJSON {
    let results: [TokenResult]

    func write(to json: inout JSONWriter) { json.field("results", objects: results) }
  }

  private var credentials: Credentials {
    Credentials(
      rooms.hubs, store: rooms.instance.store, vault: rooms.instance.vault, clock: rooms.instance.clock,
      ledger: rooms.ledger)
  }

  private func certificateKey(_ request: RoutedRequest) throws(Problem) -> CertificateKey {
    switch try request.certificateName() {
    case .fingerprint(let digest): return .fingerprint(digest)
    case .serial(let serial): return .serial(serial)
    case .record: throw .badRequest("certificate-malformed", "expected a serial or a SHA-256 fingerprint")
    }
  }

  /// How key bytes are asked for, by a hub that may read them so.
  private func reader(_ request: RoutedRequest, _ caller: Caller) async throws -> (HubCredential, KeyReading) {
    let credential = try await hub(.hubDevices, caller)
    guard let keys = KeyReading(rawValue: request.query["keys"] ?? KeyReading.none.rawValue) else {
      throw Problem.badRequest("parameter-malformed", "expected keys=sealed, keys=plain or keys=none")
    }
    if keys != .none { try await rooms.check(.hubReadKeys, for: caller) }
    if keys == .plain { try await rooms.check(.hubReadKeysPlain, for: caller) }
    return (credential, keys)
  }

  // MARK: - Lines

  private static let lines = "application/x-ndjson"

  /// A part is read once the one before is on its way, and not on the connection's event loop: keys are sealed for it.
  private func stream(_ fleet: FleetReading) -> Answer {
    .pieces(type: HubRoutes.lines) { _ in
      try await withTaskExecutorPreference(globalConcurrentExecutor) {
        switch try await fleet.next() {
        case .first(let head, let devices): try lines(of: head) + lines(of: devices)
        case .more(let devices): try lines(of: devices)
        case .end(let count): try lines(of: SnapshotEnd(devices: count))
        case nil: nil
        }
      }
    }
  }

  private func lines(of values: some Encodable) throws -> [UInt8] {
    [UInt8](try JSONCoding.encoder().encode(values)) + [UInt8(ascii: "\n")]
  }

  private func lines(of devices: [HubDevice]) throws -> [UInt8] {
    let encoder = JSONCoding.encoder()
    return try devices.flatMap { try encoder.encode($0) + Data("\n".utf8) }
  }
}
