import Enrollment
import Foundation
import MusterModel
import NIOCore

/// OCSP about certificates that nobody asked about before: each answer is signed.
struct FirstStatus: Measurement {
  let name = "ocsp-first"
  let title = "OCSP, first answer"

  func figure(on stage: BenchStage) async throws -> Figure {
    let questions = try await StatusQuestions.make(on: stage, count: stage.plan.firstQuestions)
    return try await stage.client(nil) { client in
      let load = try await stage.server.load(stage.plan.firstQuestions, connections: stage.plan.connections) {
        try await questions.ask($0, client)
      }
      return figure(load, baseline: "sign", stage.baselines.sign)
    }
  }
}

/// OCSP about certificates whose answer is ready.
struct ReadyStatus: Measurement {
  let name = "ocsp-ready"
  let title = "OCSP, ready answer"

  func figure(on stage: BenchStage) async throws -> Figure {
    let questions = try await StatusQuestions.make(on: stage, count: 32)
    return try await stage.client(nil) { client in
      for number in 0..<32 { try await questions.ask(number, client) }
      let empty = try await stage.emptyAnswer(client, stage.plan.reads)
      let load = try await stage.server.load(stage.plan.reads, connections: stage.plan.connections) {
        try await questions.ask($0 % 32, client)
      }
      return figure(load, baseline: "empty answer", empty)
    }
  }
}

/// OCSP requests about devices, made by openssl for one of them and changed for the others.
struct StatusQuestions: Sendable {
  private let requests: [ByteBuffer]

  static func make(on stage: BenchStage, count: Int) async throws -> StatusQuestions {
    let serials = try await stage.client(stage.people.administrator) { client in
      try await StatusQuestions.serials(client, count, of: stage.plan.fleet)
    }
    let first = serials[0]
    // The chain file names the devices' CA first.
    let issuer = stage.server.folder.path(of: .chain)
    let template = try OpenSSLTool.run([
      "ocsp", "-issuer", issuer, "-serial", "0x" + first, "-no_nonce", "-reqout", "/dev/stdout",
    ])
    let requests = try serials.map { serial in
      ByteBuffer(bytes: try replacing(first, by: serial, in: [UInt8](template)))
    }
    return StatusQuestions(requests: requests)
  }

  func ask(_ number: Int, _ client: BenchClient) async throws {
    let answer = try await client.send(.POST, "/ocsp", type: "application/ocsp-request", requests[number])
    // OCSPResponse is a SEQUENCE of two length bytes that begins with the status (RFC 6960 §4.2.1): successful is 0.
    guard answer.getBytes(at: answer.readerIndex + 4, length: 3) == [0x0a, 0x01, 0x00] else {
      throw CommandFailure("expected an OCSP answer, found \(answer.readableBytes) bytes of another kind")
    }
  }

  /// Of devices, from a place on that is another each time.
  private static func serials(_ client: BenchClient, _ count: Int, of fleet: Int) async throws -> [String] {
    let place = Int.random(in: 0..<max(1, fleet - 1100))
    let body = try await client.get("/v1/certificates?limit=1000&after=\(place)")
    let page = try JSONDecoder().decode(Page<CertificateSummary>.self, from: Data(buffer: body))
    let serials = page.rows.filter { $0.profile == "device" }.map(\.serial)
    guard serials.count >= count else {
      throw CommandFailure("expected \(count) certificates of devices, found \(serials.count)")
    }
    return Array(serials.prefix(count))
  }

  private static func replacing(_ old: String, by new: String, in der: [UInt8]) throws -> [UInt8] {
    var data = Data(der)
    guard let from = Hex.decode(old), let to = Hex.decode(new), from.count == to.count,
      let place = data.range(of: Data(from))
    else { throw CommandFailure("expected the serial \(old) in a request for it, found none") }
    data.replaceSubrange(place, with: to)
    return [UInt8](data)
  }
}
