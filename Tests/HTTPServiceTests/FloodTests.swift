import MusterTesting
import Testing

@testable import HTTPService

/// Frames that cost their sender less than the service: the n-th burst of them.
struct Flood: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let burst: @Sendable (UInt32) -> [Frame]

  init(_ name: String, _ burst: @escaping @Sendable (UInt32) -> [Frame]) {
    (testDescription, self.burst) = (name, burst)
  }

  /// The same frame again and again.
  private init(_ name: String, _ frame: Frame) { self.init(name) { _ in Array(repeating: frame, count: 50) } }

  private static let begun = Frame.request("POST", "/count", stream: 1, flags: 0)

  static let all: [Flood] = [
    Flood("rapid reset (CVE-2023-44487)") { burst in
      (UInt32(0)..<50).flatMap { index in
        let stream = 2 * (burst * 50 + index) + 1
        return [
          Frame.request("GET", "/public.txt", stream: stream, flags: Frame.endHeaders | Frame.endStream),
          Frame(.reset, stream: stream, Frame.number(8)),
        ]
      }
    },
    Flood("CONTINUATION without end (CVE-2024-27316)") { burst in
      (burst == 0 ? [begun] : [])
        + Array(repeating: Frame(.continuation, stream: 1, [0x00] + Frame.text("x") + Frame.text("y")), count: 50)
    },
    Flood("SETTINGS (CVE-2019-9515)", Frame(.settings)),
    Flood("PING (CVE-2019-9512)", Frame(.ping, 0, [0, 0, 0, 0, 0, 0, 0, 0])),
    Flood("PRIORITY (CVE-2019-9513)", Frame(.priority, stream: 1, Frame.number(0) + [16])),
    Flood("a header list that is too large") { burst in
      [Frame.request("GET", "/public.txt", stream: 2 * burst + 1, flags: Frame.endStream)]
        + (0..<3).map {
          Frame(
            .continuation, $0 == 2 ? Frame.endHeaders : 0, stream: 2 * burst + 1,
            [0x00] + Frame.text("x") + Frame.text(String(repeating: "y", count: 16_000)))
        }
    },
    Flood("one that its table makes large (CVE-2016-6581)") { burst in
      let held = [0x40] + Frame.text("x") + Frame.text(String(repeating: "y", count: 4000))
      let named = [UInt8](repeating: 0xbe, count: 10_000)
      var frame = Frame.request("GET", "/public.txt", stream: 2 * burst + 1, flags: Frame.endHeaders | Frame.endStream)
      frame.payload += held + named
      return [frame]
    },
    Flood("WINDOW_UPDATE past 2^31", Frame(.windowUpdate, stream: 0, Frame.number(UInt32(Int32.max)))),
    Flood("DATA of no bytes (CVE-2019-9518)") { burst in
      (burst == 0 ? [Frame.request("POST", "/count", stream: 1)] : [])
        + Array(repeating: Frame(.data, stream: 1), count: 50)
    },
  ]
}

@Suite(.timeLimit(.minutes(20))) struct FloodTests {
  @Test(arguments: Flood.all)
  func `a flood of HTTP-2 frames ends its connection, and others are answered meanwhile`(flood: Flood) async throws {
    try await serving { service in
      let (hostile, other) = (try await FrameClient(service), try await FrameClient(service))
      let flooding = Task {
        for burst in UInt32(0)..<10_000 where hostile.isOpen { await hostile.send(flood.burst(burst)) }
      }
      for stream in [1, 3, 5] as [UInt32] {
        await other.send([
          Frame.request("GET", "/public.txt", stream: stream, flags: Frame.endHeaders | Frame.endStream)
        ])
        #expect(try await other.answer(on: stream) == "public")
      }
      await flooding.value
      #expect(!hostile.isOpen, "ten thousand bursts were taken")
      #expect(try await service.curl("/public.txt", ["--http2"]).output == "public\n200")
      #expect(other.isOpen)
      await other.close()
    }
  }

  @Test func `streams past what one network may have open are refused at once, and have room once others end`()
    async throws
  {
    let (entered, leave) = (AsyncStream<Void>.makeStream(), AsyncStream<Void>.makeStream())
    let slow = Route.anyone(.get, "/slow") { _ in
      entered.continuation.yield()
      for await _ in leave.stream { break }
      return .text("finished")
    }
    var limits = ConnectionLimits()
    limits.exchangesPerNetwork = 3
    try await serving([slow], limits: limits) { service in
      let client = try await FrameClient(service)
      let open = { (streams: [UInt32]) in
        await client.send(
          streams.map { .request("GET", "/slow", stream: $0, flags: Frame.endHeaders | Frame.endStream) })
      }
      await open([1, 3, 5])
      var waiting = entered.stream.makeAsyncIterator()
      for _ in 0..<3 { await waiting.next() }
      await open([7, 9])
      for stream in [7, 9] as [UInt32] {
        #expect(try await client.answer(on: stream)?.contains("\"code\":\"service-busy\"") == true)
      }
      let refused = try await service.curl("/slow", ["-D", "-"])
      #expect(refused.output.hasSuffix("\n503") && refused.output.lowercased().contains("retry-after: 1"))
      for _ in 0..<3 { leave.continuation.yield() }
      for stream in [1, 3, 5] as [UInt32] { #expect(try await client.answer(on: stream) == "finished") }
      leave.continuation.yield()
      var again = ""
      repeat { again = try await service.curl("/slow").output } while again.hasSuffix("503")
      #expect(again == "finished\n200")
      await client.close()
    }
  }

  @Test func `bodies that wait past what one network may have are refused, and the others are taken`() async throws {
    var limits = ConnectionLimits()
    limits.bodyBytesPerNetwork = 1000
    // What is refused still has to be sent: on a machine that does much else, not within seconds.
    limits.unwanted = .minutes(10)
    try await serving(limits: limits) { service in
      let client = try await FrameClient(service)
      let streams: [UInt32] = [1, 3]
      let part = [UInt8](repeating: 0x41, count: 600)
      await client.send(
        streams.flatMap { [.request("POST", "/count", stream: $0), Frame(.data, stream: $0, part)] })
      _ = try await client.until { $0.kind == .data }
      await client.send(streams.map { Frame(.data, Frame.endStream, stream: $0) })
      var answers: [String] = []
      for stream in streams { answers.append(try #require(try await client.answer(on: stream))) }
      #expect(answers.count { $0 == "600" } == 1)
      #expect(answers.count { $0.contains("\"code\":\"service-busy\"") } == 1)
      #expect(try await service.curl("/count", ["-d", "x"]).output == "1\n200")
      await client.close()
    }
  }
}

@Suite struct NetworkCensusTests {
  private func network(_ bytes: [UInt8]) throws -> SourceAddress.Network {
    try #require(SourceAddress(bytes: bytes)).network
  }

  @Test func `each network has its share, and all together theirs`() throws {
    let census = NetworkCensus(limit: 5, perNetwork: 3)
    let prefix: [UInt8] = [0x20, 1, 13, 0xb8, 0, 0, 0, 1]
    let one = try network(prefix + Array(repeating: 1, count: 8))
    let neighbour = try network(prefix + Array(repeating: 2, count: 8))
    let (other, third) = (try network([192, 0, 2, 1]), try network([192, 0, 2, 2]))
    #expect(census.admit(one, 2) && census.admit(neighbour) && !census.admit(one))
    #expect(census.admit(other, 2) && !census.admit(third), "all that there is")
    census.leave(neighbour, 3)
    #expect(census.admit(third, 3) && !census.admit(one))
    #expect(census.total == 5)
  }
}
