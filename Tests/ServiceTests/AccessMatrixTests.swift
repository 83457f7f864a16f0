import Foundation
import MusterModel
import NIOHTTP1
import Testing

@testable import muster

extension ServiceTests {
  /// Every route of the served `openapi.yaml`, asked by every kind of caller. What is expected comes from the two files
  /// alone, read here by themselves: `x-muster-access` says what a route needs, `access.yaml` who has it.
  @Suite struct AccessMatrixTests {
    @Test func `each route lets in whom access-yaml lists, and nobody else`() async throws {
      try await ServedInstance.with { instance in
        let matrix = try await AccessMatrix(instance)
        #expect(matrix.routes.count > 50 && Set(matrix.routes.map(\.path)).count > 40)
        let askers = try await askers(instance)
        var refused = 0
        for asker in askers {
          let client = try instance.client(asker.identity)
          for route in matrix.routes {
            let request = try matrix.request(route, by: asker)
            let answer = try await client.send(
              route.method, request.path, request.type.map { [("Content-Type", $0)] } ?? [], body: request.body)
            refused += [401, 403].contains(answer.status) ? 1 : 0
            expect(answer, to: matrix.expectation(route, asker), route, asker)
          }
          await client.shutdown()
        }
        #expect(refused > askers.count * 10)
        try await instance.expectWholeLedger()
      }
    }

    private func expect(
      _ answer: TestClient.Answer, to expectation: AccessMatrix.Expectation, _ route: AccessMatrix.Route,
      _ asker: AccessMatrix.Asker
    ) {
      let what: Comment =
        "\(asker.name): \(route.method) \(route.path) (\(route.access)) \(answer.status) \(answer.text.prefix(200))"
      let isRefused = answer.status == 401 || answer.status == 403 && answer.code?.hasPrefix("not-allowed") != false
      switch expectation {
      case .letIn: #expect(!isRefused && answer.status < 500, what)
      case .unknown: #expect(answer.status == 401, what)
      case .forbidden: #expect(answer.status == 403 && answer.code == "not-allowed", what)
      case .shutOut: #expect(answer.status == 401 || answer.status == 403, what)
      case .enrolled: #expect(answer.status == 200, what)
      }
    }

    @Test func `a path is answered by no other method`() async throws {
      try await ServedInstance.with { instance in
        let matrix = try await AccessMatrix(instance)
        let client = try instance.client(instance.administrator)
        for described in Dictionary(grouping: matrix.routes, by: \.path).values {
          let asked = try #require(described.first)
          let path = try matrix.request(asked, by: .init(name: "admin", identity: nil, list: "administrator")).path
          for method in [HTTPMethod.GET, .POST, .PUT, .PATCH, .DELETE, .OPTIONS, .TRACE]
          where !described.contains(where: { $0.method == method }) {
            let answer = try await client.send(method, path)
            // What a pattern of another route takes is that route's.
            let isOthers = matrix.routes.contains { $0.method == method && $0.takes(path) }
            #expect(answer.status == 405 || isOthers, "\(method) \(path): \(answer.status)")
          }
        }
        await client.shutdown()
      }
    }

    // MARK: - Callers

    private func askers(_ instance: ServedInstance) async throws -> [AccessMatrix.Asker] {
      var askers: [AccessMatrix.Asker] = [
        .init(name: "nobody", identity: nil, list: nil),
        .init(name: "stranger", identity: try await instance.foreignIdentity(), list: nil),
        .init(name: "removed", identity: try await removed(instance), list: nil),
        .init(name: "revoked", identity: try await revoked(instance), list: nil),
        .init(
          name: "device", identity: try await instance.enroll("pump-7", "cpu-serial:00000000e4b1c9d2"), list: "device"),
      ]
      for role in Role.allCases where role != .hub {
        askers.append(
          .init(name: role.rawValue, identity: try await instance.add(role.rawValue, role), list: role.rawValue))
      }
      let hub = instance.folder.file("hub.pem")
      _ = try await instance.muster("hub", "add", "plant", "--host", "mqtt.example", "--out", hub).succeeded()
      askers.append(.init(name: "hub", identity: hub, list: "hub"))
      return askers
    }

    private func removed(_ instance: ServedInstance) async throws -> String {
      let identity = try await instance.add("gone", .administrator)
      _ = try await instance.muster("operator", "remove", "gone").succeeded()
      return identity
    }

    private func revoked(_ instance: ServedInstance) async throws -> String {
      let identity = try await instance.add("lost", .administrator)
      let serial = try await instance.serial(of: identity)
      let said = try await instance.muster("certificate", "revoke", serial, "--reason", "key-compromise").succeeded()
      #expect(said == "\(serial) revoked\n")
      return identity
    }
  }
}
