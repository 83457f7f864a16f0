import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL
import ServiceAnswers

/// Who the device shows itself as in TLS.
struct TLSIdentity {
  let chain: [NIOSSLCertificate]
  let key: NIOSSLPrivateKeySource
}

/// The service that the device was given, over TLS under the trust anchor that it was given.
struct ServiceClient {
  let server: String
  private let http: HTTPClient

  /// Runs `body` with a client of its own. `trust` is nil for the one question whose answer is held to a fingerprint.
  static func with<Value>(
    _ server: String, trust: [NIOSSLCertificate]?, as identity: TLSIdentity? = nil,
    _ body: (ServiceClient) async throws -> Value
  ) async throws -> Value {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    if let trust { tls.trustRoots = .certificates(trust) } else { tls.certificateVerification = .none }
    if let identity {
      tls.certificateChain = identity.chain.map { .certificate($0) }
      tls.privateKey = identity.key
    }
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
    configuration.timeout = .init(connect: .seconds(10), read: .seconds(30))
    configuration.connectionPool.retryConnectionEstablishment = false
    let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
      let value = try await body(ServiceClient(server: server, http: http))
      try await http.shutdown()
      return value
    } catch {
      try? await http.shutdown()
      throw error
    }
  }

  /// `authorization` is a token in place of a certificate.
  func get(_ path: String, authorization: String? = nil) async throws -> Data {
    try await send(.GET, path, authorization, type: nil, body: nil)
  }

  func post<Answer: Decodable>(_ path: String, _ body: some Encodable) async throws -> Answer {
    let content = try await send(.POST, path, type: "application/json", body: try JSONEncoder().encode(body))
    return try ServiceAnswer.decode(content)
  }

  /// EST's way: a request in base64, certificates in base64 (RFC 8951 §3).
  func renew(_ request: [UInt8]) async throws -> [[UInt8]] {
    let body = Data(Data(request).base64EncodedString().utf8)
    return try CertificatesOnly.read(
      try await send(.POST, "/.well-known/est/simplereenroll", type: "application/pkcs10", body: body))
  }

  func authorities() async throws -> [[UInt8]] { try CertificatesOnly.read(try await get("/.well-known/est/cacerts")) }

  private func send(
    _ method: HTTPMethod, _ path: String, _ authorization: String? = nil, type: String?, body: Data?
  ) async throws -> Data {
    var request = HTTPClientRequest(url: server + path)
    request.method = method
    if let authorization { request.headers.add(name: "Authorization", value: authorization) }
    if let type { request.headers.add(name: "Content-Type", value: type) }
    if let body { request.body = .bytes(ByteBuffer(data: body)) }
    let answer: HTTPClientResponse
    let content: Data
    do {
      answer = try await http.execute(request, timeout: .seconds(60))
      content = Data(buffer: try await answer.body.collect(upTo: ServiceAnswer.sizeLimit))
    } catch {
      throw ServiceClient.failure(of: error, server)
    }
    guard (200..<300).contains(answer.status.code) else { throw refusal(answer, content) }
    return content
  }

  private static func failure(of error: any Error, _ server: String) -> DeviceFailure {
    switch error {
    case let failure as DeviceFailure: failure
    case is NIOSSLError, is NIOSSLExtraError:
      DeviceFailure(
        "expected the service at \(server) to show a certificate under the trust anchor that this device was given, "
          + "found another: is it the right service, and the right anchor?")
    case is NIOTooManyBytesError:
      DeviceFailure("expected an answer of at most \(ServiceAnswer.sizeLimit) bytes, found more")
    default:
      DeviceFailure("expected an answer of \(server), found: \(error); is the service reachable?", isPassing: true)
    }
  }

  private func refusal(_ answer: HTTPClientResponse, _ content: Data) -> DeviceFailure {
    let problem: ProblemAnswer? = try? ServiceAnswer.decode(content)
    // EST's refusals are plain text (RFC 7030 §4.2.3).
    let plain = content.isEmpty ? "\(answer.status)" : String(decoding: content.prefix(1024), as: UTF8.self)
    let text = problem.map { $0.detail ?? $0.title } ?? plain
    let advice = problem.flatMap { advices[$0.code] }.map { "\n  \($0)" } ?? ""
    let code = problem?.code ?? "\(answer.status.code)"
    return DeviceFailure(
      "the service refused: \(printable(text)) (\(printable(code)))\(advice)", code: problem?.code,
      retryAfter: answer.headers.first(name: "Retry-After").flatMap { Int($0) },
      isPassing: answer.status.code >= 500 || answer.status == .tooManyRequests)
  }
}

/// What to do about a refusal, for who stands at the device.
private let advices: [String: String] = [
  "certificate-expired": "its time is over: get a new ticket for it, or have the policy accept the TPM's certificate",
  "certificate-held": "the device is disabled: ask the operator",
  "certificate-untrusted":
    "the TPM's maker is not trusted: the operator imports its certificates (muster ca trust import)",
  "device-disabled": "the device is disabled: ask the operator",
  "ek-untrusted":
    "the TPM is not known: the operator allows it (muster hardware allow) or trusts its maker (muster ca trust import)",
  "event-log-wrong": "the event log is not of this start of the machine, or of another TPM",
  "group-unknown": "name the group that the device is for: --group NAME",
  "hardware-blocked": "the board is blocked: ask the operator",
  "hardware-bound": "the board is another device already: ask the operator",
  "pcr-other": "the machine was started by other firmware or settings than the policy knows: ask the operator",
  "secure-boot-required":
    "turn on Secure Boot; where it is on, run as root so that the firmware's event log can be read, or name it: --event-log",
  "ticket-expired": "get a new ticket (muster ticket issue)",
  "ticket-spent": "another key used the ticket: get a new one (muster ticket issue)",
  "ticket-wrong": "check the device ID and the code: both are the ticket's",
  "too-many-challenges": "wait a minute",
  "tpm-weak": "the TPM's firmware is known to be weak: update it",
  "vault-sealed": "the service is sealed: it goes on once its operator unsealed it",
]
