import Foundation
import HTTPTypes
import Testing
import Yams

@testable import HTTPService

/// `openapi.yaml` and the route table are held to each other.
@Suite struct DescriptionTests {
  struct Description: Decodable {
    struct Operation: Decodable {
      struct Parameter: Decodable {
        let name: String
        let `in`: String
      }
      let summary: String
      let access: String
      let parameters: [Parameter]?
      let requestBody: Body?
      let responses: [String: Response]
      struct Body: Decodable { let required: Bool }
      struct Response: Decodable {}
      private enum CodingKeys: String, CodingKey {
        case summary, parameters, requestBody, responses
        case access = "x-muster-access"
      }
    }
    let openapi: String
    let paths: [String: [String: Operation]]
  }

  private static func description() throws -> Description {
    try YAMLDecoder().decode(Description.self, from: String(decoding: PackageResources.openapi_yaml, as: UTF8.self))
  }

  private static func described() throws -> [String: Description.Operation] {
    var operations: [String: Description.Operation] = [:]
    for (path, methods) in try description().paths {
      for (method, operation) in methods { operations["\(method.uppercased()) \(path)"] = operation }
    }
    return operations
  }

  private func served() async throws -> [String: Route] {
    let routes = try await RealInstance.with { $0.table.routes }
    let named = routes.map { ("\($0.method.rawValue) \($0.path)", $0) }
    return Dictionary(named) { first, _ in
      Issue.record("\(first.path) is served twice")
      return first
    }
  }

  @Test func `each route is described, and each description is served`() async throws {
    #expect(Set(try await served().keys) == Set(try DescriptionTests.described().keys))
  }

  @Test func `who may ask is described as it is served`() async throws {
    let described = try DescriptionTests.described()
    for (name, route) in try await served() { #expect(described[name]?.access == route.access.description, "\(name)") }
  }

  @Test func `what is served without TLS, too, is described so`() async throws {
    let described = try DescriptionTests.described()
    for (name, route) in try await served() {
      #expect(described[name]?.summary.contains("also without TLS") == route.shape.isPlain, "\(name)")
    }
  }

  @Test func `query parameters and places are described as they are served`() async throws {
    let described = try DescriptionTests.described()
    for (name, route) in try await served() {
      let parameters = described[name]?.parameters ?? []
      #expect(Set(parameters.filter { $0.in == "query" }.map(\.name)) == route.shape.parameters, "\(name)")
      let places = route.pattern.segments.compactMap { segment in
        switch segment {
        case .capture(let place, _), .rest(let place): place
        case .literal: nil
        }
      }
      #expect(Set(parameters.filter { $0.in == "path" }.map(\.name)) == Set(places), "\(name)")
      #expect(described[name]?.requestBody == nil || route.bodyLimit > 0, "\(name)")
    }
  }

  @Test func `every reference leads somewhere`() throws {
    let text = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)
    let document = try #require(try Yams.compose(yaml: text))
    for match in text.matches(of: /#\/components\/(\w+)\/(\w+)/) {
      #expect(document["components"]?[String(match.1)]?[String(match.2)] != nil, "\(match.0)")
    }
  }

  @Test func `no two routes take the same path by the same method`() async throws {
    let routes = Array(try await served().values)
    for route in routes {
      let example =
        "/"
        + route.pattern.segments.map { segment in
          switch segment {
          case .literal(let text): text
          case .capture(_, let suffix): "x1\(suffix)"
          case .rest: "x1/x2"
          }
        }.joined(separator: "/")
      let path = try RequestTarget(example).path
      let takers = routes.filter { $0.method == route.method && $0.pattern.match(path) != nil }
      #expect(takers.count == 1, "\(example) is taken by \(takers.map(\.path))")
    }
  }
}
