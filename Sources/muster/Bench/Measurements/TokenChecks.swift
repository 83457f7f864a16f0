import Enrollment
import Foundation
import HubAccess
import KeyVault
import MusterModel
import NIOCore

/// A hub that has the tokens of its devices verified, many in one question.
struct TokenChecks: Measurement {
  let name = "token-verification"
  let title = "token verification"

  func figure(on stage: BenchStage) async throws -> Figure {
    let tokens = try await tokens(on: stage)
    let question = ByteBuffer(data: try JSONEncoder().encode(["tokens": tokens]))
    return try await stage.client(stage.people.hub) { client in
      let load = try await stage.server.load(
        max(1, stage.plan.tokens / tokens.count), connections: stage.plan.connections
      ) { _ in
        let answer = try await client.send(.POST, "/v1/hub/tokens/verify", type: "application/json", question)
        let results = try JSONDecoder().decode(Results.self, from: Data(buffer: answer)).results
        guard results.allSatisfy(\.valid) else { throw CommandFailure("expected valid tokens, found others") }
      }
      return figure(load, per: tokens.count, baseline: "HMAC", stage.baselines.mac)
    }
  }

  private struct Results: Decodable { let results: [TokenResult] }

  /// As many as one question takes, of devices that were given keys now.
  private func tokens(on stage: BenchStage) async throws -> [String] {
    let holders = try await stage.client(stage.people.administrator) { client in
      try await inParallel(stage.plan.holders, stage.plan.connections) { index in
        let keys: IssuedKeys = try await client.post(
          "/v1/devices/\(FleetSeed.deviceID(index))/keys", [String: String]())
        return try token(keys)
      }
    }
    return (0..<TokenVerification.limit).map { holders[$0 % holders.count] }
  }

  private func token(_ keys: IssuedKeys) throws -> String {
    guard let bytes = Data(base64Encoded: keys.primary.key), let key = DeviceKey(SecretBytes(copying: bytes)) else {
      throw CommandFailure("expected a device's key, found another thing")
    }
    return SharedAccessToken.make(
      host: BenchPeople.hubHost, deviceID: keys.deviceID, expires: SystemClock().now() + .seconds(3600), key: key)
  }
}
