import Foundation
import Testing

/// The house is built as `Docs/architecture.md` draws it: its table of rooms is read, and `Package.swift` is held to it.
@Suite struct ArrowTests {
  @Test func `every target stands in the table of rooms, and every room is built`() throws {
    let rooms = try Rooms()
    let targets = Set(try Graph().targets.filter { $0.isRoom }.map(\.name))
    #expect(targets == Set(rooms.floors.keys))
  }

  @Test func `arrows go down, and sideways only along the chain of proofs`() throws {
    let rooms = try Rooms()
    for target in try Graph().targets where target.isRoom {
      for dependency in target.localDependencies where rooms.floors[dependency] != nil {
        let floor = try #require(rooms.floors[target.name])
        let below = try #require(rooms.floors[dependency], "\(target.name) → \(dependency)")
        let allowed = below < floor || chainOfProofs.contains([target.name, dependency])
        #expect(allowed, "\(target.name) (floor \(floor)) → \(dependency) (floor \(below))")
      }
    }
  }

  @Test func `what tests share is known to tests alone, and to no product`() throws {
    let graph = try Graph()
    #expect(graph.targets.contains { $0.name == Graph.testing })
    for target in graph.targets where target.type != "test" {
      #expect(!target.localDependencies.contains(Graph.testing), "\(target.name) → \(Graph.testing)")
    }
    #expect(!graph.products.contains { $0.targets.contains(Graph.testing) })
  }

  private let chainOfProofs: Set<[String]> = [
    ["CertificateAuthority", "Policy"], ["CertificateAuthority", "Attestation"], ["Policy", "Attestation"],
  ]
}

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// The rows `| floor | `target` | … |` of the architecture's table.
private struct Rooms {
  var floors: [String: Int] = [:]

  init() throws {
    let page = try String(contentsOf: root.appending(path: "Docs/architecture.md"), encoding: .utf8)
    for line in page.split(separator: "\n") where line.hasPrefix("| ") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count >= 2, let floor = Int(cells[0]) else { continue }
      for name in cells[1].split(separator: ",") {
        floors[name.trimmingCharacters(in: CharacterSet(charactersIn: " `"))] = floor
      }
    }
    #expect(floors.count > 5)
  }
}

/// What `swift package dump-package` says; `Scripts/test` writes it before the tests run.
private struct Graph {
  struct Target: Decodable {
    let name: String
    let type: String
    let dependencies: [[String: [JSON?]]]

    /// System libraries stand beside the house, and what only tests use.
    var isRoom: Bool { ["regular", "executable"].contains(type) && name != Graph.testing }

    /// Names of targets of this package: products name their package, by-name and target dependencies do not.
    var localDependencies: [String] {
      dependencies.flatMap { dependency in
        dependency.compactMap { kind, values in
          guard kind != "product", case .some(.text(let name)) = values.first else { return nil }
          return name
        }
      }
    }
  }

  enum JSON: Decodable {
    case text(String)
    case other
    init(from decoder: any Decoder) throws {
      self = (try? decoder.singleValueContainer().decode(String.self)).map(JSON.text) ?? .other
    }
  }

  struct Product: Decodable { let targets: [String] }

  static let testing = "MusterTesting"

  let targets: [Target]
  let products: [Product]

  init() throws {
    struct Dump: Decodable {
      let targets: [Target]
      let products: [Product]
    }
    let file = root.appending(path: ".build/package-graph.json")
    let data = try #require(
      try? Data(contentsOf: file), "expected \(file.path): run Scripts/test, or swift package dump-package > it")
    let dump = try JSONDecoder().decode(Dump.self, from: data)
    (targets, products) = (dump.targets, dump.products)
  }
}
