import Foundation
import MusterModel
import Testing

@testable import HTTPService

@Suite(.timeLimit(.minutes(20))) struct DispatchTests {
  @Test(arguments: [
    ("/things/a%20b/parts/7.bin?limit=5", "a b 7 5\n200"), ("/things/a/parts/7.bin", "a 7 100\n200"),
    ("/tail/a/b%2Fc", "a/b/c\n200"),
  ])
  func `a request finds its route`(path: String, answer: String) async throws {
    try await serving { service in
      let ran = try await service.curl(path)
      #expect(ran.output == answer)
    }
  }

  @Test(arguments: [
    ("/nowhere", "not-found", 404), ("/things/a/parts/7.bin?limit=0", "parameter-malformed", 400),
    ("/things/a/parts/7.bin?limt=1", "parameter-unknown", 400), ("/count", "method-not-allowed", 405),
    ("/%00", "target-malformed", 400), ("/fails", "internal-error", 500),
  ])
  func `a problem is told as RFC 9457 has it`(path: String, code: String, status: Int) async throws {
    try await serving { service in
      let ran = try await service.curl(path, ["-D", "/dev/stderr", "--path-as-is"])
      let lines = ran.output.split(separator: "\n")
      let problem = try #require(
        JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any], "\(ran.output)")
      #expect(problem["code"] as? String == code)
      #expect(problem["status"] as? Int == status)
      #expect(lines.last == "\(status)")
      let instance = try #require(problem["instance"] as? String)
      #expect(ran.errors.lowercased().contains("x-request-id: \(instance)"))
      #expect(ran.errors.lowercased().contains("content-type: application/problem+json"))
    }
  }

  @Test(arguments: ["--http1.1", "--http2"])
  func `what is long comes in pieces, and one that breaks off is seen to`(version: String) async throws {
    try await serving { service in
      let whole = try await service.curl("/pieces", [version, "-o", "/dev/null", "-w", "%{size_download}"])
      #expect(whole.output == "1000000" && whole.status == 0, "\(whole.errors)")
      let file = FileManager.default.temporaryDirectory.appending(path: "long-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: file) }
      let long = try await service.curl("/long", [version, "-o", file.path, "-w", "%header{content-length}"])
      #expect(long.output == "1000000" && long.status == 0, "\(long.errors)")
      #expect(try Data(contentsOf: file).enumerated().allSatisfy { $0.element == UInt8($0.offset % 251) })
      let broken = try await service.curl("/breaks", [version])
      #expect(broken.status != 0, "a client must see that the rest is missing")
      #expect(!broken.output.contains("hunter2"))
    }
  }

  @Test func `EST routes say why in words`() async throws {
    try await serving { service in
      let ran = try await service.curl("/est-like", ["-d", "x"])
      #expect(ran.output.hasPrefix("ticket-spent: used (req_"))
      #expect(ran.output.hasSuffix("\n409"))
    }
  }

  @Test func `what was not foreseen is found by its ID, and said to nobody`() async throws {
    try await serving { service in
      let ran = try await service.curl("/fails")
      #expect(!ran.output.contains("hunter2"))
      let failure = try #require(service.log.all.first { $0.contains("request failed") })
      let id = try #require(ran.output.split(separator: "\"").first { $0.hasPrefix("req_") })
      #expect(failure.contains(id))
    }
  }

  @Test func `a log line has the request, and nothing that was secret in it`() async throws {
    try await serving { service in
      _ = try await service.curl(
        "/things/a/parts/7.bin?limit=17", ["-u", "pump-7:AAAA-BBBB", "-H", "Cookie: c=sesame"])
      let line = try #require(service.log.all.first { $0.contains("\"message\":\"request\"") })
      let fields = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
      #expect(fields["route"] == "/things/{id}/parts/{part}.bin")
      #expect(fields["status"] == "200")
      #expect(fields["source"] == "127.0.0.1")
      let secrets = ["AAAA", "sesame", "limit", Data("pump-7:AAAA-BBBB".utf8).base64EncodedString()]
      for secret in secrets { #expect(!service.log.all.joined().contains(secret)) }
    }
  }

  @Test func `HEAD is GET without the body`() async throws {
    try await serving { service in
      let ran = try await service.curl("/public.txt", ["-I"])
      #expect(ran.output.lowercased().contains("content-length: 6"))
      #expect(ran.output.hasSuffix("200") && !ran.output.contains("public\n"))
    }
  }

  @Test(arguments: ["\n", "\r\n", "\"", "\"\u{301}", "\\"])
  func `no label of a metric ends its quotes or its line`(label: String) {
    let metrics = Metrics([.init(.counter, "one", labels: ["label"], help: "One.")])
    metrics.add(to: "one", ["a" + label + "b"])
    let lines = metrics.text().unicodeScalars.split(separator: "\n")
    #expect(lines.count == 3 && String(lines[2]).hasSuffix("b\"} 1"))
    #expect(lines[2].count { $0 == "\"" } == (label.utf8.first == UInt8(ascii: "\"") ? 3 : 2))
  }

  @Test func `metrics count by route, never by path`() async throws {
    try await serving { service in
      for path in ["/tail/a", "/tail/b", "/x1", "/x2"] { _ = try await service.curl(path) }
      var metrics: String
      // A client may be gone before its connection is.
      repeat {
        metrics = try await service.curl("/metrics").output
      } while !metrics.contains("muster_http_connections 1\n")
      #expect(metrics.contains(#"muster_http_requests_total{route="/tail/{rest}",method="GET",status="200"} 2"#))
      #expect(metrics.contains(#"muster_http_requests_total{route="none",method="none",status="404"} 2"#))
      #expect(metrics.contains(#"muster_http_request_duration_seconds_bucket{route="/tail/{rest}",le="+Inf"} 2"#))
    }
  }

  @Test(arguments: [(false, "200"), (true, "503")])
  func `ready says what is wrong`(isBlocking: Bool, status: String) async throws {
    let finding = HealthFinding(isBlocking: isBlocking, code: "vault-sealed", detail: "expected an unsealed vault")
    try await serving(findings: [finding]) { service in
      let ran = try await service.curl("/health/ready")
      #expect(ran.output.contains(#""code":"vault-sealed""#))
      #expect(ran.output.hasSuffix("\n\(status)"))
    }
  }
}

@Suite struct HTTPDateTests {
  @Test(arguments: [
    ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ("2026-11-24T23:59:59.999Z", "Tue, 24 Nov 2026 23:59:59 GMT"),
    ("2024-02-29T12:00:00Z", "Thu, 29 Feb 2024 12:00:00 GMT"),
  ])
  func `a date is written as RFC 9110 has it`(time: String, text: String) throws {
    #expect(HTTPDate.text(try #require(Timestamp(time))) == text)
  }
}
