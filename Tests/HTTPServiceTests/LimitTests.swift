import Ledger
import MusterModel
import MusterTesting
import NIOCore
import Testing

@testable import HTTPService

private let noon = Timestamp("2026-11-24T12:00:00Z")!

private func network(_ last: UInt16) -> SourceAddress.Network {
  SourceAddress(bytes: [10, 0, UInt8(last >> 8), UInt8(last & 255)])!.network
}

@Suite struct SourceAddressTests {
  @Test(arguments: [
    ("203.0.113.9", "203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.9"),
    ("2001:db8:1:2:3::4", "2001:db8:1:2:3:0:0:4", "2001:db8:1:2::/64"), ("::1", "0:0:0:0:0:0:0:1", "0:0:0:0::/64"),
  ])
  func `an address is limited by its network`(text: String, address: String, limitedBy: String) throws {
    let source = try #require(SourceAddress(try SocketAddress(ipAddress: text, port: 1)))
    #expect(source.description == address)
    #expect(source.network.description == limitedBy)
  }
}

@Suite struct AttemptLimiterTests {
  @Test func `the 21st wrong code in a minute has to wait, from that source alone`() {
    var limiter = AttemptLimiter()
    for _ in 0..<20 {
      #expect(limiter.wait(network(1), at: noon) == nil)
      limiter.failed(network(1), at: noon)
    }
    #expect(limiter.wait(network(1), at: noon) == 60)
    #expect(limiter.wait(network(1), at: noon + .milliseconds(59_999)) == 1)
    #expect(limiter.wait(network(1), at: noon + .seconds(60)) == nil)
    #expect(limiter.wait(network(2), at: noon) == nil)
  }

  @Test func `neighbours in one IPv6 network are one source`() throws {
    var limiter = AttemptLimiter()
    for index in 0..<20 {
      let source = try #require(
        SourceAddress(bytes: [0x20, 1, 13, 0xb8] + Array(repeating: 0, count: 11) + [UInt8(index)]))
      limiter.failed(source.network, at: noon)
    }
    let other = try #require(SourceAddress(bytes: [0x20, 1, 13, 0xb8] + Array(repeating: 0, count: 11) + [99]))
    #expect(limiter.wait(other.network, at: noon) == 60)
  }

  @Test func `a clock that is set back makes nobody wait longer than a minute`() {
    var limiter = AttemptLimiter()
    for _ in 0..<20 { limiter.failed(network(1), at: noon) }
    #expect(limiter.wait(network(1), at: noon - .seconds(7200)) == 60)
    limiter.failed(network(1), at: noon - .seconds(7200))
    #expect(limiter.wait(network(1), at: noon - .seconds(7200)) == nil)
  }

  @Test func `memory is bounded, and the newest sources stay limited`() {
    var limiter = AttemptLimiter()
    for index in 0..<UInt16(20_000) {
      limiter.failed(network(index), at: noon + .milliseconds(Int64(index)))
      #expect(limiter.remembered <= AttemptLimiter.capacity)
    }
    for _ in 0..<20 { limiter.failed(network(20_000), at: noon + .seconds(20)) }
    #expect(limiter.wait(network(20_000), at: noon + .seconds(20)) == 60)
  }
}

@Suite struct RefusalTallyTests {
  @Test func `a minute is one event, the most frequent first`() throws {
    var tally = RefusalTally()
    for _ in 0..<3 { tally.count(network(2), code: "ticket-unknown", at: noon) }
    tally.count(network(1), code: "ticket-unknown", at: noon + .seconds(1))
    let taken = tally.take(at: noon + .seconds(60))
    let counted = try #require(taken)
    #expect(counted.event == RefusalsCounted(from: noon, to: noon + .seconds(60), total: 4, others: 0))
    #expect(counted.details.rows.map(\.count) == [3, 1])
    let again = tally.take(at: noon + .seconds(120))
    #expect(again == nil)
  }

  @Test func `past 64 rows the rest is one number`() throws {
    var tally = RefusalTally()
    for index in 0..<UInt16(1000) { tally.count(network(index), code: "ticket-unknown", at: noon) }
    tally.count(network(0), code: "ticket-unknown", at: noon)
    let taken = tally.take(at: noon)
    let counted = try #require(taken)
    #expect(counted.details.rows.count == 64)
    #expect(counted.event.total == 1001)
    #expect(counted.event.others == 936)
    let event = try Event(at: noon, by: .service, on: [], counted.event, details: counted.details)
    #expect(event.bytes.count < Event.sizeLimit)
  }
}

@Suite struct TallyKeeperTests {
  /// The last time at the end of the service is one.
  @Test func `what could not be recorded counts with the next`() async throws {
    let (strangers, clock) = (StrangerLimits(), FixedClock())
    let source = try #require(SourceAddress(bytes: [10, 0, 0, 1]))
    for _ in 0..<3 { strangers.refused(source, code: "ticket-unknown", at: clock.now()) }
    let keeper = TallyKeeper(
      limits: strangers, clock: clock,
      record: { _ in
        strangers.refused(source, code: "ticket-unknown", at: clock.now())
        return false
      }, wait: { throw CancellationError() })
    try await keeper.run()
    let counted = try #require(strangers.take(at: clock.now()))
    #expect(counted.event.total == 4 && counted.details.rows.map(\.count) == [4])
  }
}

@Suite struct ConnectionPaceTests {
  private let limits = ConnectionLimits()
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

  @Test func `a handshake that does not end is cut off, bytes or no bytes`() {
    var pace = ConnectionPace(limits: limits, isSecure: true, now: start)
    pace.bytesRead(now: start + .seconds(5))
    #expect(pace.deadline == start + limits.handshake)
  }

  @Test func `headers have ten seconds from their first byte, however slowly they come`() {
    var pace = ConnectionPace(limits: limits, isSecure: false, now: start)
    pace.exchangeOpened()
    #expect(pace.deadline == nil)
    let idle = start + .seconds(20)
    pace.exchangeClosed(now: idle)
    #expect(pace.deadline == idle + limits.idle)
    for second in 1...9 { pace.bytesRead(now: idle + .seconds(Int64(second))) }
    #expect(pace.deadline == idle + .seconds(1) + limits.head)
  }

  @Test func `a head that began while another request was open has its time from that one's end`() {
    var pace = ConnectionPace(limits: limits, isSecure: false, now: start)
    pace.exchangeOpened()
    pace.parsed(isHeadBegun: true)
    #expect(pace.deadline == nil)
    let end = start + .seconds(20)
    pace.exchangeClosed(now: end)
    pace.bytesRead(now: end + .seconds(5))
    #expect(pace.deadline == end + limits.head)
  }

  @Test func `frames of HTTP-2 neither prolong nor shorten its idle time`() {
    var pace = ConnectionPace(limits: limits, isSecure: true, now: start)
    pace.handshakeCompleted(hasFrames: true, now: start)
    pace.exchangeOpened()
    pace.exchangeClosed(now: start)
    pace.bytesRead(now: start + .seconds(50))
    #expect(pace.deadline == start + limits.idle)
  }

  @Test func `an ending service gives what is open its time and no more`() {
    var pace = ConnectionPace(limits: limits, isSecure: false, now: start)
    pace.exchangeOpened()
    pace.drain(now: start)
    pace.drain(now: start + .seconds(3))
    #expect(pace.deadline == start + limits.drain)
  }

  @Test func `and what has served nothing yet next to none`() {
    var pace = ConnectionPace(limits: limits, isSecure: true, now: start)
    pace.drain(now: start)
    #expect(pace.deadline == start + .seconds(1))
  }
}

@Suite struct RequestBoundaryTests {
  /// What the parser makes of a read: a request without body, a head and its body's length, bytes of the body, its end.
  enum Part: Sendable { case get, head(Int?), body(Int), end }

  private static let get = "GET / HTTP/1.1\r\n\r\n"
  private static let post = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n"
  private static let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

  @Test(
    arguments: [
      ([(get, [.get])], false), ([(get + "G", [.get])], true), ([(get + get, [.get, .get])], false),
      ([(get + get + "G", [.get, .get])], true), ([("GE", []), ("T / HTTP/1.1\r\n\r\n", [.get])], false),
      ([("GE", [])], true), ([("GET / HTTP/1.1\r\n\r", []), ("\n", [.get])], false),
      ([("GET / HTTP/1.1\r\n\r", []), ("\nG", [.get])], true),
      ([(post + "body", [.head(4), .body(4), .end])], false), ([(post + "bodyG", [.head(4), .body(4), .end])], true),
      // A body that holds an empty line ends no message by it.
      ([(post + "\r\n\r\n\r\n\r\n", [.head(4), .body(4), .end])], true),
      ([(post, [.head(4)])], false), ([(post, [.head(4)]), ("bo", [.body(2)])], false),
      ([(post, [.head(4)]), ("body", [.body(4), .end])], false),
      ([(post, [.head(4)]), ("bodyG", [.body(4), .end])], true),
      ([(get, [.get]), (post + "body", [.head(4), .body(4), .end])], false),
      ([("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r", []), ("\nbody", [.head(4), .body(4), .end])], false),
      ([("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r", []), ("\nbodyG", [.head(4), .body(4), .end])], true),
      ([(chunked + "1\r\nx\r\n0\r\n\r\n", [.head(nil), .body(1), .end])], false),
      ([(chunked + "1\r\nx\r\n0\r\n\r\nG", [.head(nil), .body(1), .end])], true),
      ([(chunked + "1\r\n", [.head(nil)])], false),
      // Not told apart: a head's time it is.
      ([(get + post + "body", [.get, .head(4), .body(4), .end])], true),
    ] as [([(String, [Part])], Bool)])
  func `what is read behind a whole request is a next one's head`(
    reads: [(String, [Part])], hasBegun: Bool
  ) {
    var (boundary, found) = (RequestBoundary(), false)
    for (text, parts) in reads {
      for part in parts {
        switch part {
        case .get:
          boundary.headEnded(length: nil)
          boundary.requestEnded()
        case .head(let length): boundary.headEnded(length: length)
        case .body(let count): boundary.bodyReceived(count)
        case .end: boundary.requestEnded()
        }
      }
      found = boundary.wasRead(Array(text.utf8))
    }
    #expect(found == hasBegun, "\(reads.map(\.0))")
  }
}

@Suite struct ExchangePaceTests {
  private let limits = ConnectionLimits()
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

  @Test func `a body has thirty seconds, and one more for each 4 KiB`() {
    var pace = ExchangePace(limits: limits)
    pace.requestBegan(now: start)
    #expect(pace.deadline == start + .seconds(30))
    pace.requestBody(40_960)
    #expect(pace.deadline == start + .seconds(40))
    pace.requestEnded()
    #expect(pace.deadline == nil)
  }

  @Test func `an answer that comes early ends the connection, and what is unwanted is bounded`() {
    var pace = ExchangePace(limits: limits)
    pace.requestBegan(now: start)
    let answered = start + .seconds(1)
    let isEarly = pace.answerBegan(now: answered)
    #expect(isEarly)
    pace.answerEnded(now: answered)
    #expect(pace.deadline == answered + limits.unwanted)
    pace.requestBody(limits.unwantedBytes)
    #expect(!pace.mustClose)
    pace.requestBody(1)
    #expect(pace.mustClose)
  }

  @Test func `an answer that begins before the one before it is taken has its own time`() {
    var pace = ExchangePace(limits: limits)
    for _ in 0..<2 {
      pace.requestBegan(now: start)
      pace.requestEnded()
    }
    let isEarly = (pace.answerBegan(now: start), pace.answerBegan(now: start))
    #expect(isEarly == (false, false))
    let taken = start + .seconds(2)
    pace.answerEnded(now: taken)
    #expect(pace.deadline == taken + limits.transfer)
    pace.answerEnded(now: taken)
    #expect(pace.deadline == nil && pace.isComplete)
  }

  @Test func `pipelined requests are told apart`() {
    var pace = ExchangePace(limits: limits)
    for _ in 0..<3 {
      pace.requestBegan(now: start)
      pace.requestEnded()
    }
    for open in [2, 1, 0] {
      let isEarly = pace.answerBegan(now: start)
      #expect(!isEarly)
      pace.answerEnded(now: start)
      #expect(pace.open == open)
      #expect(pace.deadline == nil)
    }
    #expect(pace.isComplete)
  }
}
