import Crypto
import Enrollment
import Foundation
import HTTPTypes
import MusterModel
import MusterTesting
import Testing
import Yams

@testable import HTTPService
@testable import muster

/// What the service answers, held to what `openapi.yaml` says that it answers.
@Suite struct AnswerSchemaTests {
  /// One request of a story, by whom, and what its answer gives to those after it.
  private struct Step {
    let method: HTTPRequest.Method
    let target: String
    var body: String?
    var by = Who.administrator
    /// A field of the answer, and the name by which later steps use it.
    var keeps: (field: String, as: String)?

    init(
      _ method: HTTPRequest.Method, _ target: String, _ body: String? = nil, by who: Who = .administrator,
      keeps: (String, as: String)? = nil
    ) {
      (self.method, self.target, self.body, by, self.keeps) = (method, target, body, who, keeps)
    }
  }

  private enum Who { case administrator, hub, device, enrolled }

  private static let story: [Step] = [
    Step(.post, "/v1/groups", #"{"name":"pumps","hub":"plant"}"#), Step(.get, "/v1/groups"),
    Step(.get, "/v1/groups/pumps"),
    Step(.post, "/v1/hardware/allow", #"{"hardware":"mac:aabbcc001122","group":"pumps","reason":"ours"}"#),
    Step(.post, "/v1/hardware/block", #"{"hardware":"mac:ff*","reason":"recalled"}"#),
    Step(.post, "/v1/hardware/unblock", #"{"hardware":"mac:aabbcc001122"}"#),
    Step(.post, "/v1/hardware/import", #"[{"hardware":"mac:aabbcc001133"},{"hardware":"nothing"}]"#),
    Step(.get, "/v1/hardware"),
    Step(
      .post, "/v1/tickets", #"{"hardware":"cpu-serial:01","deviceID":"pump-7","group":"pumps"}"#,
      keeps: ("code", as: "code")),
    Step(
      .post, "/v1/enrollments",
      #"{"ticket":{"deviceID":"pump-7","code":"{code}"},"credentials":"both","csr":"{csr}","hardware":["mac:aabbcc0011aa"]}"#,
      by: .device, keeps: ("serial", as: "serial")),
    Step(.get, "/v1/identity", by: .enrolled), Step(.get, "/v1/tickets"), Step(.get, "/v1/devices"),
    Step(.get, "/v1/devices/pump-7"),
    Step(.get, "/v1/devices/pump-7/history"), Step(.get, "/v1/certificates"), Step(.get, "/v1/certificates/{serial}"),
    Step(.post, "/v1/devices/pump-7/keys"),
    Step(.post, "/v1/devices/pump-7/token", #"{"validSeconds":600}"#, keeps: ("token", as: "token")),
    Step(
      .post, "/v1/rollovers",
      #"{"plan":{"canary":1,"step":25,"quorum":90,"soak":60,"overlap":60,"deadline":"2099-01-01T00:00:00.000Z","refusals":5,"breaks":0}}"#,
      keeps: ("record", as: "rollover")),
    Step(
      .post, "/v1/rollovers",
      #"{"certificates":{},"plan":{"canary":1,"step":25,"quorum":90,"soak":60,"overlap":60,"deadline":"2099-01-01T00:00:00.000Z","refusals":5,"breaks":0}}"#
    ),
    Step(.get, "/v1/rollovers"), Step(.get, "/v1/rollovers/{rollover}"),
    Step(.get, "/v1/rollovers/{rollover}/stragglers"), Step(.post, "/v1/rollovers/{rollover}/start"),
    Step(.post, "/v1/rollovers/{rollover}/pause"), Step(.post, "/v1/rollovers/{rollover}/resume"),
    Step(.post, "/v1/rollovers/{rollover}/abort"),
    Step(.get, "/v1/hub/devices/pump-7/credentials", by: .hub), Step(.get, "/v1/hub/certificates/{serial}", by: .hub),
    Step(.post, "/v1/hub/tokens/verify", #"{"tokens":["{token}","none"]}"#, by: .hub),
    Step(
      .post, "/v1/hub/proofs", #"{"proofs":[{"deviceID":"pump-7","keyVersion":3},{"deviceID":"none","keyVersion":1}]}"#,
      by: .hub),
    Step(.get, "/v1/hub/feed?after=0&root={emptyRoot}", by: .hub),
    Step(.post, "/v1/devices/pump-7/disable", #"{"reason":"lost"}"#), Step(.post, "/v1/devices/pump-7/enable"),
    Step(.post, "/v1/certificates/{serial}/revoke", #"{"reason":"certificate-hold"}"#),
    Step(.post, "/v1/certificates/{serial}/release"), Step(.get, "/v1/certificates/{serial}/enforcement"),
    Step(.post, "/v1/operators", #"{"name":"line-1","role":"factory-line","groups":["pumps"],"csr":"{csr2}"}"#),
    Step(.get, "/v1/operators"),
    Step(.post, "/v1/hubs", #"{"name":"other","host":"hub.example","groups":["pumps"],"csr":"{csr3}"}"#),
    Step(.post, "/v1/hubs/other/seal-key", #"{"sealKey":"{sealKey}"}"#), Step(.get, "/v1/hubs"),
    Step(.get, "/v1/hubs/status"),
    Step(
      .post, "/v1/orders",
      #"{"name":"june","station":"line-1","group":"pumps","count":5,"until":"2099-01-01T00:00:00.000Z"}"#),
    Step(.get, "/v1/orders"), Step(.get, "/v1/orders/june"), Step(.get, "/v1/orders/june/proof-tiles?first=0&last=9"),
    Step(.post, "/v1/orders/june/close"), Step(.get, "/v1/issuers"),
    Step(.post, "/v1/makers", "{makers}"), Step(.get, "/v1/makers"),
    Step(.post, "/v1/policy/explain", #"{"operation":"ticket.issue","role":"field-engineer"}"#),
    Step(.post, "/v1/policy/explain", #"{"position":{position}}"#), Step(.get, "/v1/ledger/proof?position=0"),
    Step(.post, "/v1/devices/pump-7/retire", #"{"reason":"done"}"#),
    Step(.post, "/v1/ledger/{position}/erase", #"{"reason":"asked to"}"#),
    Step(.post, "/v1/keys", #"{"name":"firmware","kind":"aes256-gcm","destroyWaitSeconds":60}"#),
    Step(.post, "/v1/keys", #"{"name":"releases","kind":"ed25519"}"#),
    Step(.post, "/v1/keys", #"{"name":"journal","kind":"hmac-sha256"}"#),
    Step(.post, "/v1/keys", #"{"name":"boards","kind":"group-enrollment","group":"pumps"}"#),
    Step(.post, "/v1/import-key"), Step(.get, "/v1/keys"), Step(.get, "/v1/keys/releases"),
    Step(
      .post, "/v1/keys/firmware/encrypt", #"{"items":[{"data":"YQ==","context":"a"}]}"#,
      keeps: ("results.0.text", as: "ciphertext")),
    Step(
      .post, "/v1/keys/firmware/decrypt", #"{"items":[{"text":"{ciphertext}","context":"a"},{"text":"{ciphertext}"}]}"#),
    Step(.post, "/v1/keys/firmware/rewrap", #"{"items":[{"text":"{ciphertext}","context":"a"}]}"#),
    Step(
      .post, "/v1/keys/journal/mac", #"{"items":[{"data":"YQ=="}]}"#, keeps: ("results.0.text", as: "mac")),
    Step(.post, "/v1/keys/journal/verify", #"{"items":[{"data":"YQ==","text":"{mac}"}]}"#),
    Step(.post, "/v1/keys/releases/sign", #"{"items":[{"data":"YQ=="}]}"#),
    Step(.post, "/v1/keys/firmware/derive", #"{"context":"pump-7"}"#), Step(.post, "/v1/keys/firmware/data-key"),
    Step(.get, "/v1/import-key"),
    Step(.post, "/v1/random", #"{"size":16}"#), Step(.post, "/v1/keys/firmware/rotate"),
    Step(.post, "/v1/keys/firmware/minimum", #"{"decrypt":1,"encrypt":2}"#),
    Step(.post, "/v1/keys/firmware/versions/1/state", #"{"state":"destroyed","reason":"over"}"#),
    Step(.post, "/v1/identity/renew", #"{"csr":"{csr4}"}"#, by: .hub), Step(.get, "/health/ready"),
    Step(.post, "/v1/vault/rotate-kek"), Step(.get, "/v1/vault"), Step(.post, "/v1/vault/seal"),
  ]

  /// What asks for more than an instance: a publisher at work, a TPM, a station's devices, the recovery code, a key to be
  /// sealed or opened, a rollover that is carried on.
  private static let elsewhere: Set = [
    "POST /v1/issuers/crl", "POST /v1/attestations/{attestation}/answer", "POST /v1/orders/{name}/confirmations",
    "POST /v1/vault/unseal", "POST /v1/vault/rekey", "POST /v1/keys/import",
    "POST /v1/keys/{name}/versions/{version}/export",
    "GET /v1/identity/key",
  ]

  @Test func `each answer has the fields that are described, of their types, and no others`() async throws {
    let schemas = try Schemas()
    try await RealInstance.with(hubsMay: [.hubReadKeys]) { real in
      var names = try world()
      var people: [Who: [[UInt8]]] = [
        .administrator: [try await real.peer(.administrator)], .hub: [try await real.peer(.hub)], .device: [],
      ]
      var asked = AnswerSchemaTests.elsewhere
      for step in AnswerSchemaTests.story {
        let target = filled(step.target, names)
        if step.target == "/v1/enrollments" { names["position"] = String(try await real.events().count) }
        let answer = try await real.ask(
          step.method, target, body: Array(filled(step.body ?? "", names).utf8), showing: people[step.by] ?? [])
        let value = try #require(
          try? JSONSerialization.jsonObject(with: Data(answer.body)), "\(step.method) \(target): \(answer.status)")
        #expect(answer.status == .ok, "\(step.method) \(target): \(value)")
        let path = try path(step.method, target, in: real.table)
        asked.insert("\(step.method) \(path)")
        let faults = try schemas.faults(of: value, answering: step.method, path)
        #expect(faults.isEmpty, "\(step.method) \(target): \(faults)")
        if let shown = (value as? [String: Any])?["certificate"] as? String, step.by == .device {
          people[.enrolled] = [try PEM.firstCertificate(Array(shown.utf8))]
        }
        if let keeps = step.keeps { names[keeps.as] = AnswerSchemaTests.text(keeps.field, in: value) }
      }
      #expect(asked == schemas.described, "each operation with a JSON answer is asked once")
      let problem = try await real.ask(.get, "/v1/devices/nobody", showing: people[.administrator] ?? [])
      let told = try JSONSerialization.jsonObject(with: Data(problem.body))
      #expect(try schemas.faults(of: told, named: "Problem").isEmpty)
    }
  }

  @Test func `a field that is not described, one of another type and one that lacks are faults`() throws {
    let schemas = try Schemas()
    let sound: [String: Any] = ["title": "t", "status": 404, "code": "c", "instance": "i"]
    #expect(try schemas.faults(of: sound, named: "Problem").isEmpty)
    for (field, value) in [("more", "x"), ("status", "404"), ("status", true), ("code", 1)] as [(String, Any)] {
      #expect(try schemas.faults(of: sound.merging([field: value]) { $1 }, named: "Problem").count == 1, "\(field)")
    }
    #expect(try schemas.faults(of: sound.filter { $0.key != "code" }, named: "Problem") == ["code is absent"])
  }

  /// What stands at a path of fields and places, between dots.
  private static func text(_ path: String, in value: Any) -> String? {
    path.split(separator: ".").reduce(value as Any?) { value, name in
      (value as? [String: Any])?[String(name)] ?? Int(name).flatMap { (value as? [Any])?[$0] }
    } as? String
  }

  private func world() throws -> [String: String] {
    let csr = { Data(try PeerKey().request(commonName: "newcomer")).base64EncodedString() }
    let maker = try String(
      contentsOf: Project.root.appending(path: "PKI/trust-anchors/tpm/amd.pem"), encoding: .utf8)
    return [
      "makers": String(decoding: try JSONEncoder().encode(["certificates": [maker]]), as: UTF8.self),
      "sealKey": P256.KeyAgreement.PrivateKey().publicKey.pemRepresentation.replacing("\n", with: "\\n"),
      "csr": try csr(), "csr2": try csr(), "csr3": try csr(), "csr4": try csr(),
      "emptyRoot": Digest.sha256([UInt8]()).hex,
    ]
  }

  private func filled(_ text: String, _ names: [String: String]) -> String {
    names.reduce(text) { $0.replacing("{\($1.key)}", with: $1.value) }
  }

  /// As it is described.
  private func path(_ method: HTTPRequest.Method, _ target: String, in table: RouteTable) throws -> String {
    let path = try RequestTarget(target).path
    return try #require(table.routes.first { $0.method == method && $0.pattern.match(path) != nil }).path
  }
}

/// The schemas of `openapi.yaml`, as far as it uses them.
private struct Schemas {
  private let document: Node

  init() throws {
    document = try #require(try Yams.compose(yaml: String(decoding: PackageResources.openapi_yaml, as: UTF8.self)))
  }

  func faults(of value: Any, named name: String) throws -> [String] {
    faults(value, try #require(document["components"]?["schemas"]?[name]), "")
  }

  /// Of the answer 200 to a request.
  func faults(of value: Any, answering method: HTTPRequest.Method, _ path: String) throws -> [String] {
    let schema = answer(to: document["paths"]?[path]?[method.rawValue.lowercased()])
    return faults(value, try #require(schema, "\(method) \(path) is described without a schema"), "")
  }

  /// The operations that answer 200 with JSON.
  var described: Set<String> {
    var names: Set<String> = []
    for (path, operations) in document["paths"]?.mapping ?? [:] {
      for (method, operation) in operations.mapping ?? [:] where answer(to: operation) != nil {
        names.insert("\(method.string?.uppercased() ?? "") \(path.string ?? "")")
      }
    }
    return names
  }

  /// A quoted number is a text, and Node's subscript looks for a number.
  private func answer(to operation: Node?) -> Node? {
    let done = operation?["responses"]?.mapping?.first { $0.key.string == "200" }?.value
    return done?["content"]?["application/json"]?["schema"]
  }

  private func faults(_ value: Any, _ schema: Node, _ place: String) -> [String] {
    if let reference = schema["$ref"]?.string {
      let name = reference.split(separator: "/").last.map(String.init) ?? ""
      guard let schema = document["components"]?["schemas"]?[name] else { return ["\(name) is not described"] }
      return faults(value, schema, place)
    }
    let type = schema["type"]?.string ?? "any"
    guard isOf(type, value) else { return ["\(place) is no \(type): \(value)"] }
    if let allowed = schema["enum"]?.array(), let text = value as? String, !allowed.compactMap(\.string).contains(text)
    {
      return ["\(place) is none of its words: \(text)"]
    }
    switch type {
    case "object": return faults(value as? [String: Any] ?? [:], of: schema, place)
    case "array":
      guard let items = schema["items"] else { return ["\(place) has items of no description"] }
      return (value as? [Any] ?? []).flatMap { faults($0, items, place + "[]") }
    default: return []
    }
  }

  private func faults(_ object: [String: Any], of schema: Node, _ place: String) -> [String] {
    var faults: [String] = []
    for name in schema["required"]?.array().compactMap(\.string) ?? [] where object[name] == nil {
      faults.append("\(place)\(name) is absent")
    }
    for (name, value) in object {
      if let field = schema["properties"]?[name] {
        faults += self.faults(value, field, place + name + ".")
      } else if let others = schema["additionalProperties"], others.bool != false {
        faults += others.mapping == nil ? [] : self.faults(value, others, place + name + ".")
      } else {
        faults.append("\(place)\(name) is not described")
      }
    }
    return faults
  }

  private func isOf(_ type: String, _ value: Any) -> Bool {
    switch type {
    case "object": return value is [String: Any]
    case "array": return value is [Any]
    case "string": return value is String
    case "boolean": return isBoolean(value)
    case "integer":
      return !isBoolean(value) && (value as? NSNumber).map { $0.doubleValue == $0.doubleValue.rounded() } == true
    case "number": return !isBoolean(value) && value is NSNumber
    default: return true
    }
  }

  private func isBoolean(_ value: Any) -> Bool {
    (value as? NSNumber).map { String(cString: $0.objCType) == "c" } ?? (value is Bool)
  }
}
