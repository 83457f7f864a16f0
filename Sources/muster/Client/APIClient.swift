import AsyncHTTPClient
import Foundation
import MusterModel
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL

/// The operator API over mutual TLS.
struct APIClient: Sendable {
  /// No answer is longer than this.
  private static let answerLimit = 16 << 20

  let server: String
  private let http: HTTPClient

  init(server: String, tls: TLSConfiguration) throws {
    self.server = server
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    configuration.timeout = .init(connect: .seconds(10), read: .seconds(60))
    // Where nothing listens, ten seconds of trying again only keep the caller waiting.
    configuration.connectionPool.retryConnectionEstablishment = false
    http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  func shutdown() async throws { try await http.shutdown() }

  func get<Answer: Decodable>(_ path: String, query: [(String, String?)] = []) async throws -> Answer {
    try decode(try await send(.GET, path, query: query, body: nil))
  }

  /// `isRepeatable`: the same body in another run of the program is the same request, and gets the same answer.
  func post<Answer: Decodable>(
    _ path: String, _ body: some Encodable, isRepeatable: Bool = false
  ) async throws -> Answer {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let content = try encoder.encode(body)
    let key = isRepeatable ? MusterModel.Digest.sha256(Array(path.utf8) + content).hex : UUID().uuidString
    return try decode(try await send(.POST, path, body: content, idempotencyKey: key))
  }

  /// A POST whose answer has nothing to say.
  func tell(_ path: String, _ body: some Encodable) async throws {
    _ = try await send(.POST, path, body: try JSONEncoder().encode(body))
  }

  /// A body that is no JSON.
  func bytes(_ path: String, query: [(String, String?)] = []) async throws -> [UInt8] {
    Array(buffer: try await send(.GET, path, query: query, body: nil))
  }

  /// An answer of any length, as it comes. A break on the way is thrown, once what came is handed on.
  func download(_ path: String, to write: ([UInt8]) throws -> Void) async throws {
    let answer = try await execute(HTTPClientRequest(url: server + path), within: .hours(24))
    guard answer.status == .ok else {
      throw APIClient.refusal(answer.status, try await answer.body.collect(upTo: APIClient.answerLimit))
    }
    do {
      for try await piece in answer.body { try write(Array(buffer: piece)) }
    } catch let error as HTTPClientError {
      throw CommandFailure("expected the answer to its end, found: \(error)")
    }
  }

  func delete(_ path: String) async throws { _ = try await send(.DELETE, path, body: nil) }

  /// NDJSON both ways: the lines are sent while those of the answer come. Throws `CommandFailure` where the service says
  /// no, and what the connection throws where it may be tried again.
  func stream(
    _ path: String, query: [(String, String?)], _ lines: AsyncStream<ByteBuffer>
  ) async throws -> HTTPClientResponse.Body {
    var request = HTTPClientRequest(url: server + path + queryText(query))
    request.method = .POST
    request.headers.add(name: "Content-Type", value: "application/x-ndjson")
    request.body = .stream(lines, length: .unknown)
    let answer = try await http.execute(request, deadline: .distantFuture)
    if answer.status.code == 200 { return answer.body }
    let content = try await answer.body.collect(upTo: APIClient.answerLimit)
    if answer.status.code >= 500 { throw ServiceUnavailable(status: answer.status.code) }
    throw APIClient.refusal(answer.status, content)
  }

  /// Not now: sealed, overloaded, in trouble.
  struct ServiceUnavailable: Error, CustomStringConvertible {
    let status: UInt
    var description: String { "the service answered \(status)" }
  }

  /// All rows of a paged listing, page by page.
  func rows<Row: Codable & Sendable>(
    _ path: String, query: [(String, String?)] = [], each: (Row) throws -> Void
  ) async throws {
    var after: String?
    repeat {
      let page: ListingPage<Row> = try await get(path, query: query + [("limit", "1000"), ("after", after)])
      try page.rows.forEach(each)
      after = page.next
    } while after != nil
  }

  private func send(
    _ method: HTTPMethod, _ path: String, query: [(String, String?)] = [], body: Data?,
    idempotencyKey: String = UUID().uuidString
  ) async throws -> ByteBuffer {
    var request = HTTPClientRequest(url: server + path + queryText(query))
    request.method = method
    request.headers.add(name: "Accept", value: "application/json")
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(data: body))
    }
    if method != .GET { request.headers.add(name: "Idempotency-Key", value: idempotencyKey) }
    let answer = try await execute(request)
    let content = try await answer.body.collect(upTo: APIClient.answerLimit)
    guard (200..<300).contains(answer.status.code) else { throw APIClient.refusal(answer.status, content) }
    return content
  }

  /// A POST is sent once more with the same Idempotency-Key when the connection broke: a lost answer is no loss.
  private func execute(
    _ request: HTTPClientRequest, within limit: TimeAmount = .seconds(60)
  ) async throws -> HTTPClientResponse {
    do {
      do {
        return try await http.execute(request, timeout: limit)
      } catch let error as HTTPClientError where error == .remoteConnectionClosed {
        return try await http.execute(request, timeout: limit)
      }
    } catch is NIOSSLError, is NIOSSLExtraError {
      throw CommandFailure(
        "expected the service at \(server) to show a certificate under the trust anchor, found none that is; --ca FILE "
          + "names the anchor, --server the service by a name that it was made for")
    } catch {
      throw CommandFailure(
        "expected an answer from \(server), found: \(error); is the service running there?", isPassing: true)
    }
  }

  private static func refusal(_ status: HTTPResponseStatus, _ content: ByteBuffer) -> CommandFailure {
    guard let problem = try? JSONDecoder().decode(Problem.self, from: Data(buffer: content)) else {
      return CommandFailure(
        "the service answered \(status.code) \(status.reasonPhrase)", isPassing: status.code >= 500)
    }
    let next = nextStep(after: problem, status).map { "\n  \($0)" } ?? ""
    return CommandFailure(
      "\(problem.detail ?? problem.title) (\(problem.code), request \(problem.instance))\(next)",
      isPassing: status.code >= 500, isRefusal: (400..<500).contains(status.code))
  }

  private func decode<Answer: Decodable>(_ content: ByteBuffer) throws -> Answer {
    do {
      return try JSONDecoder().decode(Answer.self, from: Data(buffer: content))
    } catch {
      throw CommandFailure("expected an answer of this version's API, found another: \(error)")
    }
  }
}

/// RFC 9457 problem details, as the service sends them.
private struct Problem: Decodable {
  let code: String
  let title: String
  let detail: String?
  let instance: String
}

private struct ListingPage<Row: Decodable>: Decodable {
  let rows: [Row]
  let next: String?
}

/// What to do next about a refusal. Who is not known, or no more, is added anew, whatever the code says of the reason.
private func nextStep(after problem: Problem, _ status: HTTPResponseStatus) -> String? {
  guard status != .unauthorized else {
    return "an administrator adds you anew: muster operator add NAME --role ROLE --out FILE; when none can, stop the "
      + "service and act on its folder with --data DATA"
  }
  return advice[problem.code]
}

/// By the stable code of a refusal.
private let advice: [String: String] = [
  "certificate-unknown": "see muster certificate list",
  "device-bound": "to put the device on new hardware: muster device swap ID --hardware HWID",
  "device-disabled": "to let it in again: muster device enable ID",
  "device-unknown": "see muster device list",
  "group-in-use": "see muster device list --group NAME; a group goes once its devices are retired",
  "group-unknown": "see muster group list, or make it: muster group add NAME",
  "hardware-blocked": "see muster hardware list; to lift it: muster hardware unblock HWID",
  "hardware-bound": "see muster hardware list for the device that has it",
  "device-without-hub": "give its group a hub: muster group add NAME --hub H, or muster hub add NAME --group G",
  "device-without-key": "make its keys first: muster device rekey ID --out FILE",
  "hub-unknown": "see muster hub list",
  "ledger-rolled-back":
    "the ledger is not the one that was followed: ask who runs it; to begin anew, empty the state folder",
  "not-allowed": "your role may not do this; policies/access.yaml in the instance's folder says which may",
  "not-allowed-in-group": "see muster group list for the groups that you are limited to",
  "operator-unknown": "see muster operator list",
  "still-in-force":
    "end it first: muster device retire ID, muster hardware unblock HWID or muster operator remove NAME",
  "ticket-malformed": "see muster ticket list",
  "ticket-unknown": "see muster ticket list",
  "vault-not-opened": "muster vault status says what opens it",
  "vault-sealed": "unseal it first: muster vault unseal",
]

private func queryText(_ query: [(String, String?)]) -> String {
  var components = URLComponents()
  components.queryItems = query.compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
  guard let text = components.percentEncodedQuery, !text.isEmpty else { return "" }
  return "?" + text
}

/// One path segment, percent-encoded.
func segment(_ text: String) -> String {
  text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-_.~"))) ?? text
}
