import HTTPTypes
import MusterModel
import MusterTesting
import NIOCore
import NIOHTTPTypes
import Synchronization
import Testing

@testable import HTTPService

@Suite struct ExchangeTurnsTests {
  private struct Broken: Error {}

  /// What happens, a letter each: `H` a request's head, `C` the head of one that ends its connection, `B` a piece of body,
  /// `E` its end, `.` the end of a read, `!` an error; `a` the answer of a request that was answered here is sent, `t` that
  /// of one that was handed on, `g` the connection is gone.
  private func story(_ text: String) throws -> String {
    var (turns, told) = (ExchangeTurns(), "")
    func come(_ arrival: ExchangeTurns.Arrival) {
      switch turns.came(arrival) {
      case .wait: break
      case .answer(_, let body): told += "(\(body.readableBytes))"
      case .handOn(let arrivals): told += arrivals.map(name).joined()
      }
    }
    for letter in text {
      switch letter {
      case "a": turns.answered()
      case "t": turns.handedOnAnswered()
      case "g": turns.abandon()
      default: come(try #require(arrival(letter)))
      }
      while let arrival = turns.next() { come(arrival) }
    }
    return told
  }

  private func arrival(_ letter: Character) -> ExchangeTurns.Arrival? {
    var head = HTTPRequest(method: .post, scheme: "https", authority: "localhost", path: "/")
    switch letter {
    case "H": return .part(.head(head))
    case "C":
      head.headerFields[.connection] = "close"
      return .part(.head(head))
    case "B": return .part(.body(ByteBuffer(bytes: [1, 2, 3])))
    case "E": return .part(.end(nil))
    case ".": return .readComplete
    case "!": return .failure(Broken())
    default: return nil
    }
  }

  private func name(_ arrival: ExchangeTurns.Arrival) -> String {
    switch arrival {
    case .part(.head): "H"
    case .part(.body(let bytes)): "B\(bytes.readableBytes)"
    case .part(.end): "E"
    case .readComplete: "."
    case .event: "?"
    case .failure: "!"
    }
  }

  @Test(
    arguments: [
      ("HE.", "(0)"), ("HBE.", "(3)"), ("HBBE.", "(6)"), ("HE.aHBE.a", "(0)(3)"),
      // In two reads: handed on, and what comes before its answer with it.
      ("HB.BE.", "HB3.B3E."), ("HBB.", "HB6."), ("H.E.", "H.E."), ("HB.E.HE.", "HB3.E.HE."),
      // And once it is answered and there, the next has its turn.
      ("HB.E.tHE.", "HB3.E.(0)"), ("HB.E.HE.ttHE.", "HB3.E.HE.(0)"), ("HB.E.HE.tHE.", "HB3.E.HE.HE."),
      // Answered before it was there.
      ("HB.tB.E.HE.", "HB3.B3.E.(0)"),
      // Behind one that is answered here, everything waits.
      ("HEHE.", "(0)"), ("HEHE.a", "(0)(0)"), ("HEHBEH.aa", "(0)(3)H."), ("HEHE.HB.aa", "(0)(0).HB3."),
      ("HE!", "(0)"), ("HE!a", "(0)!"), ("HB!", "HB3!"),
      // The end of a read that brought something for the task is told to it.
      ("HB.tEHE.", "HB3.E(0)"), ("HB.tEHE.a", "HB3.E(0)."),
      // Nobody is there any more.
      ("HEHE.ga", "(0)"), ("HEgaHE.", "(0)"), ("HE!HE.aHE.", "(0)!(0)"), ("HBgE.HE.", ""),
      // The task closes what is to be closed.
      ("CE.", "HE."), ("HECE.a", "(0)HE."),
    ])
  func `a request of one read is answered here, any other by its task, each in its turn`(
    text: String, told: String
  ) throws {
    #expect(try story(text) == told)
  }

  @Test func `behind a request that is answered few parts wait, or what one read has`() throws {
    var turns = ExchangeTurns()
    for letter in "HE.HB." { _ = turns.came(try #require(arrival(letter))) }
    #expect(turns.mayRead, "that the peer closes is to be seen, and a body that comes in pieces to be taken")
    for _ in 0..<10 { _ = turns.came(try #require(arrival("B"))) }
    #expect(!turns.mayRead)
    turns.answered()
    while let arrival = turns.next() { _ = turns.came(arrival) }
    #expect(turns.mayRead)
  }

  @Test func `each of ten thousand pipelined requests comes again once`() throws {
    var (turns, answered, again) = (ExchangeTurns(), 0, 0)
    let (head, end) = (try #require(arrival("H")), try #require(arrival("E")))
    func come(_ arrival: ExchangeTurns.Arrival) { if case .answer = turns.came(arrival) { answered += 1 } }
    for _ in 0..<10_000 {
      come(head)
      come(end)
    }
    for _ in 0..<10_000 {
      turns.answered()
      while let arrival = turns.next() {
        again += 1
        come(arrival)
      }
    }
    #expect(answered == 10_000 && again == 2 * 9_999)
  }
}

@Suite(.timeLimit(.minutes(20))) struct PromptExchangeTests {
  private static let get = "GET /word HTTP/1.1\r\nHost: x\r\n\r\n"
  private static let last = "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

  private func statuses(_ answers: String) -> [String] {
    answers.components(separatedBy: "HTTP/1.1 ").dropFirst().map { String($0.prefix(3)) }
  }

  private static let word = Route.anyone(.get, "/word", .init(isPlain: true)) { _ in .text("word") }

  private static let counting = Route.anyone(.post, "/sum", .init(bodyLimit: 100_000, isPlain: true)) { request in
    .text("\(request.body.count) \(request.body.reduce(0) { ($0 + Int($1)) % 65_521 })\n")
  }

  @Test(arguments: [[1], [40], [700], [1000, 3], [5, 5, 5, 5]])
  func `a body is the same in one read as in several, before others and behind them`(cuts: [Int]) async throws {
    try await serving([Self.word, Self.counting]) { service in
      let client = try await RawClient(port: service.plainPort)
      let body = String(repeating: "abcdefghij", count: 200)
      let post = "POST /sum HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body
      var rest = Array((Self.get + post + Self.get + post + Self.last).utf8)[...]
      for cut in cuts {
        await client.send(Array(rest.prefix(cut)))
        rest = rest.dropFirst(cut)
      }
      await client.send(Array(rest))
      let answers = try await client.untilClosed()
      #expect(statuses(answers) == ["200", "200", "200", "200", "404"])
      let sum = body.utf8.reduce(0) { ($0 + Int($1)) % 65_521 }
      #expect(answers.components(separatedBy: "\(body.utf8.count) \(sum)\n").count == 3)
    }
  }

  @Test func `a body in chunks of one byte is read whole`() async throws {
    try await serving([Self.counting]) { service in
      let client = try await RawClient(port: service.plainPort)
      let chunks = String(repeating: "1\r\na\r\n", count: 5_000) + "0\r\n\r\n"
      await client.send("POST /sum HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + Self.last)
      let answers = try await client.untilClosed()
      #expect(statuses(answers) == ["200", "404"])
      #expect(answers.contains("5000 \(5_000 * 97 % 65_521)\n"))
    }
  }

  @Test func `what is no HTTP behind a request does not come before its answer`() async throws {
    try await serving([Self.word]) { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send(Self.get + "\u{1}\u{2} garbage\r\n\r\n")
      #expect(statuses(try await client.untilClosed()) == ["200", "400"])
    }
  }

  @Test func `behind a request that is refused before it was there nothing is worked on`() async throws {
    let asked = Mutex(0)
    let hit = Route.anyone(.get, "/hit", .init(isPlain: true)) { _ in
      asked.withLock { $0 += 1 }
      return .text("hit")
    }
    for isSecure in [false, true] {
      try await serving([hit, Self.counting]) { service in
        let client =
          isSecure
          ? try await RawClient(port: service.port, tls: service.clientContext())
          : try await RawClient(port: service.plainPort)
        await client.send("POST /sum HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n")
        #expect(try await client.until("body-too-large").hasPrefix("HTTP/1.1 413"))
        await client.send(String(repeating: "x", count: 200_000) + "GET /hit HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(statuses(try await client.untilClosed()) == ["413"])
      }
    }
    #expect(asked.withLock { $0 } == 0)
  }

  @Test func `the head of what is written while it is made is not asked for alone`() async throws {
    let pieces = Route.anyone(.get, "/pieces", .init(isPlain: true)) { _ in .pieces(type: "text/plain") { _ in nil } }
    try await serving([Self.word, pieces]) { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send("HEAD /pieces HTTP/1.1\r\nHost: x\r\n\r\n" + Self.get + Self.last)
      let answers = try await client.untilClosed()
      #expect(statuses(answers) == ["405", "200", "404"])
      #expect(answers.contains("\r\n\r\nHTTP/1.1 200"), "no byte of a body before the next answer")
    }
  }

  @Test func `who says that nothing more comes is answered all the same`() async throws {
    let held = HeldRoute()
    try await serving([held.route()]) { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
      await held.isAsked()
      try await client.finish()
      held.letGo()
      #expect(try await client.untilClosed().hasSuffix("finished"))
    }
  }

  @Test func `what is worked on for a connection that is gone is finished before the service is`() async throws {
    let held = HeldRoute()
    let finished = Mutex(false)
    let slow = held.route {
      // The service had time to end without it.
      for _ in 0..<10_000 { await Task.yield() }
      finished.withLock { $0 = true }
    }
    try await serving([slow]) { service in
      let client = try await RawClient(port: service.plainPort)
      await client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
      await held.isAsked()
      try await client.abort()
      await service.end()
      var refused: Ran
      repeat {
        refused = try await run("curl", ["-sS", "--max-time", "60", "http://127.0.0.1:\(service.plainPort)/word"])
      } while refused.status == 0
      held.letGo()
    }
    #expect(finished.withLock { $0 })
  }
}
