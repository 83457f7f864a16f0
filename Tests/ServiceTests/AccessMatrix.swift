import Crypto
import Foundation
import MusterModel
import MusterTesting
import NIOHTTP1
import Testing
import Yams

@testable import muster

/// What `openapi.yaml`, as it is served, and `access.yaml`, as it lies in the folder, say of who may ask what; and a
/// sound request for each route, for what cannot be read is refused before anyone is.
struct AccessMatrix: Sendable {
  struct Route: Sendable {
    let method: HTTPMethod
    let path: String
    /// `x-muster-access`.
    let access: String
    /// The media type of its body; nil for none.
    let type: String?
    /// The query parameters that it asks for.
    let query: [String]

    /// As `openapi.yaml` has it. Throws where it does not say who may ask.
    init(_ method: String, _ path: String, _ description: Any) throws {
      let fields = try #require(description as? [String: Any])
      self.method = HTTPMethod(rawValue: method.uppercased())
      self.path = path
      access = try #require(fields["x-muster-access"] as? String, "\(method) \(path) does not say who may ask")
      let content = (fields["requestBody"] as? [String: Any])?["content"] as? [String: Any]
      type = content?.keys.first
      query = (fields["parameters"] as? [[String: Any]] ?? [])
        .filter { $0["in"] as? String == "query" && $0["required"] as? Bool == true }
        .compactMap { $0["name"] as? String }
    }

    /// Whether a concrete path is of this route's form.
    func takes(_ path: String) -> Bool {
      let form = self.path.replacing(/\{(tile|request)\}/, with: ".+").replacing(/\{\w+\}/, with: "[^/]+")
      return path.range(of: "^\(form)$", options: .regularExpression) != nil
    }
  }

  struct Asker: Sendable {
    let name: String
    /// nil shows no certificate.
    let identity: String?
    /// Its list in `access.yaml`; nil for who is nobody, or nobody any more.
    let list: String?
  }

  enum Expectation {
    case letIn
    /// 401: nobody whom the instance knows.
    case unknown
    /// 403: known, and not on the list.
    case forbidden
    /// 401 or 403: the use case has its own reasons.
    case shutOut
    /// 200: the one that the route is for.
    case enrolled
  }

  let routes: [Route]
  private let lists: [String: [String]]
  private let recoveryCode: String
  private let issuer: String

  init(_ instance: ServedInstance) async throws {
    let client = try instance.client()
    let document = try await client.send(.GET, "/openapi.yaml").text
    await client.shutdown()
    routes = try AccessMatrix.routes(document)
    let access = try #require(
      try Yams.load(yaml: try instance.folder.read("data/policies/access.yaml")) as? [String: Any])
    lists = try #require(access["allow"] as? [String: [String]])
    recoveryCode = try instance.folder.read("recovery-code").trimmingCharacters(in: .newlines)
    issuer =
      try await instance.muster("ca", "show", "--output", "csv").succeeded()
      .split(whereSeparator: \.isNewline).last.map { $0.split(separator: ",")[1] }.map(String.init) ?? ""
  }

  /// Those that seal and unseal the vault last, in this order, for who may seal may not leave it sealed to the next.
  private static func routes(_ document: String) throws -> [Route] {
    let root = try #require(try Yams.load(yaml: document) as? [String: Any])
    let paths = try #require(root["paths"] as? [String: [String: Any]])
    var routes: [Route] = []
    for (path, methods) in paths {
      for (method, description) in methods { routes.append(try Route(method, path, description)) }
    }
    func rank(_ route: Route) -> Int {
      ["/v1/vault/rekey": 1, "/v1/vault/seal": 2, "/v1/vault/unseal": 3][route.path] ?? 0
    }
    return routes.sorted { (rank($0), $0.path, $0.method.rawValue) < (rank($1), $1.path, $1.method.rawValue) }
  }

  func expectation(_ route: Route, _ asker: Asker) -> Expectation {
    switch route.access {
    case "anyone": .letIn
    case "device":
      // A device's own certificate renews, and asks of itself; to enroll it takes a ticket or a maker's.
      // There is no rollover that made a key for it.
      asker.name == "device" && route.path == "/v1/identity/key"
        ? .letIn
        : asker.name == "device" && (route.path.hasSuffix("/simplereenroll") || route.path == "/v1/identity")
          ? .enrolled : .shutOut
    default:
      if let list = asker.list { isListed(route.access, list) ? .letIn : .forbidden } else { .unknown }
    }
  }

  private func isListed(_ operation: String, _ list: String) -> Bool {
    let listed = lists[list] ?? []
    return listed.contains(operation) || listed == ["*"]
  }

  // MARK: - Requests

  struct Sample {
    let path: String
    let type: String?
    let body: [UInt8]?
  }

  func request(_ route: Route, by asker: Asker) throws -> Sample {
    let now = UUIDv7(at: Timestamp(milliseconds: 1_800_000_000_000))
    let ticket = RecordID(.ticket, now).description
    let places = [
      "{ticket}": ticket, "{attestation}": RecordID(.attestation, now).description,
      "{rollover}": RecordID(.rollover, now).description,
      "{certificate}": String(repeating: "0", count: 31) + "1", "{tile}": "0/000.p/1",
      "{request}": "MAA=", "{label}": "none", "{shard}": "0", "{position}": "0", "{issuerKeyID}": issuer,
      "{fingerprint}": String(repeating: "0", count: 64),
    ]
    var path = route.path
    for (place, text) in places { path = path.replacing(place, with: text) }
    path = path.replacing(/\{\w+\}/, with: "1")
    let samples = [
      "position": "0", "batch": RecordID(.batch, now).description, "after": "0",
      "root": String(repeating: "0", count: 64), "first": "0", "last": "0", "keys": "sealed",
    ]
    let query = try route.query.map { "\($0)=\(try #require(samples[$0], "no sample of \($0)"))" }
    if !query.isEmpty { path += "?" + query.joined(separator: "&") }
    let body = route.type == nil ? nil : Array(try body(route.path, asker).utf8)
    return Sample(path: path, type: route.type, body: body)
  }

  private func body(_ path: String, _ asker: Asker) throws -> String {
    let csr = Data(try PeerKey().request(commonName: asker.name == "device" ? "pump-7" : asker.name))
      .base64EncodedString()
    switch path {
    case _ where path.contains("/est/"): return csr
    case "/v1/enrollments": return #"{"csr":"\#(csr)"}"#
    case "/v1/attestations": return "{\(evidence)}"
    case "/v1/attestations/{attestation}/answer":
      return #"{\#(evidence),"secret":"AA==","certifyInfo":"AA==","certifySignature":"AA==","csr":"\#(csr)"}"#
    case "/v1/identity/renew": return #"{"csr":"\#(csr)"}"#
    case "/v1/operators": return #"{"name":"by-\#(asker.name)","role":"auditor","csr":"\#(csr)"}"#
    case "/v1/hubs": return #"{"name":"by-\#(asker.name)","host":"h.example","csr":"\#(csr)"}"#
    case "/v1/hubs/{name}/seal-key":
      let key = P256.KeyAgreement.PrivateKey().publicKey.pemRepresentation
      return String(decoding: try JSONEncoder().encode(["sealKey": key]), as: UTF8.self)
    case "/v1/tickets": return #"{"hardware":"mac:aabbcc001122","deviceID":"a"}"#
    case "/v1/makers":
      let bundle = Project.root.appending(path: "PKI/trust-anchors/tpm/nationz.pem")
      return String(
        decoding: try JSONEncoder().encode(["certificates": [String(contentsOf: bundle, encoding: .utf8)]]),
        as: UTF8.self)
    case "/v1/groups": return #"{"name":"by-\#(asker.name)"}"#
    case "/v1/hardware/import": return #"[{"hardware":"mac:aabbcc001133"}]"#
    case _ where path.hasPrefix("/v1/hardware/"): return #"{"hardware":"mac:aabbcc001144"}"#
    case "/v1/policy/explain": return #"{"position":1}"#
    case "/v1/vault/rekey": return #"{"recoveryCodes":["\#(recoveryCode)"]}"#
    case "/v1/vault/unseal": return #"{"recoveryCode":"\#(recoveryCode)"}"#
    case "/v1/orders": return #"{"name":"by-\#(asker.name)","station":"line","group":"pumps","count":1}"#
    case "/v1/orders/{name}/enrollments", "/v1/orders/{name}/check", "/v1/orders/{name}/allowances",
      "/v1/orders/{name}/allowances/check":
      return "\n"
    case "/v1/orders/{name}/confirmations": return #"{"devices":["pump-7"]}"#
    case "/v1/ledger/{position}/erase": return #"{"reason":"asked"}"#
    default: return RouteBodies.body(of: path) ?? "{}"
    }
  }

  /// The public areas of three keys of P-256 that are what they must be; no TPM made them.
  private let evidence = """
    "ekPublic":"AFoAIwALAAMAMgAAAAYAgABDABAAAwAQACA+0RO3iDtMWQY4N52wwhzaFnQu0CVQSL9DM5HTdLwh0QAgkJkgmszEyKIkyEOvpPTGigkNBNpemIna4vju/OgqN0A=",\
    "akPublic":"AFgAIwALAAUAcgAAABAAGAALAAMAEAAgdB3VvagX2V5GJlNzIOXVUXmYMCiy+CyZ1QDF7oYk48QAIAdwtGqcOF/cVnODVUiHsVSO65EsNbpcpxmV/yLNRIHT",\
    "keyPublic":"AFgAIwALAAQAcgAAABAAGAALAAMAEAAgF3yDeuCsSVphgF3y2F7i/HkuKEtl6tWKmOFdnUYHLAEAIGO7WM1OvqVYokCRrbQPTnIm7hTDoftN85xDu+Lvx7/Y"
    """
}
