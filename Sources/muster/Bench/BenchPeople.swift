import Crypto
import Enrollment
import Foundation
import MusterModel

/// Who takes part in a run: the administrator that `init` made, a hub and its group, a station with an order, and one
/// device that enrolled as any does.
struct BenchPeople: Sendable {
  let administrator: BenchIdentity
  let hub: BenchIdentity
  let station: BenchIdentity
  /// The certificate and the request of a device, DER: what the seeded ones look like.
  let certificate: [UInt8]
  let request: [UInt8]

  static let group = "fleet"
  static let hubHost = "hub.bench.example"
  static let order = "bench"

  static func add(to server: BenchServer, _ plan: BenchPlan) async throws -> BenchPeople {
    let file = server.folder.path(of: .administrator)
    let administrator = BenchIdentity(pem: try String(contentsOfFile: file, encoding: .utf8))
    return try await server.client(administrator, connections: 1) { client in
      let _: GroupSummary = try await client.post(
        "/v1/groups", GroupInput(name: group, profile: nil, hub: nil, trustAnchors: nil))
      let hub = try await addHub("bench", groups: [group], by: client)
      let station = try await add("/v1/operators", by: client) {
        OperatorInput(name: "bench-line", role: "factory-line", groups: [group], csr: $0)
      }
      let _: OrderSummary = try await client.post(
        "/v1/orders", OrderInput(name: order, station: "bench-line", group: group, count: 1_000_000, until: nil))
      let device = try await DeviceRequest.make("bench-first", hardware: "cpu-serial:bench-first", by: client)
      let answer = try await server.client(nil, connections: 1) { try await device.enroll(by: $0) }
      return BenchPeople(
        administrator: administrator, hub: hub, station: station, certificate: try answer.leaf(),
        request: device.der)
    }
  }

  static func addHub(_ name: String, groups: [String], by client: BenchClient) async throws -> BenchIdentity {
    let sealKey = P256.KeyAgreement.PrivateKey().publicKey.pemRepresentation
    return try await add("/v1/hubs", by: client) {
      HubInput(name: name, host: hubHost, groups: groups, csr: $0, sealKey: sealKey)
    }
  }

  /// Makes a key here and has it certified.
  private static func add(
    _ path: String, by client: BenchClient, _ input: (_ csr: String) -> some Encodable
  ) async throws -> BenchIdentity {
    let key = PeerKey()
    let csr = Data(try key.request(commonName: "bench")).base64EncodedString()
    let issued: IssuedIdentity = try await client.post(path, input(csr))
    return BenchIdentity(pem: issued.certificate + PEM.privateKey(key.key))
  }
}
