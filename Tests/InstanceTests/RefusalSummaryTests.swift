import Foundation
import HTTPTypes
import HummingbirdCore
import Ledger
import Logging
import MusterModel
import MusterTesting
import ServiceLifecycle
import Testing

@testable import HTTPService
@testable import muster

/// Strangers make the service write one event a minute, whatever they send.
@Suite(.timeLimit(.minutes(20))) struct RefusalSummaryTests {
  @Test func `10,000 refusals of strangers in two minutes are two events`() async throws {
    try await TestInstance.with { test in
      let strangers = StrangerLimits()
      let dispatcher = try await dispatcher(test, strangers)
      let before = try await test.size()
      let (ticks, handed) = (AsyncStream<Void>.makeStream(), AsyncStream<RefusalTally.Counted>.makeStream())
      let recorder = RefusalRecorder(instance: test.instance, logger: quiet)
      let keeper = TallyKeeper(
        limits: strangers, clock: test.clock,
        record: {
          let isRecorded = await recorder.record($0)
          handed.continuation.yield($0)
          return isRecorded
        },
        wait: {
          for await _ in ticks.stream { return }
          throw CancellationError()
        })
      let group = ServiceGroup(configuration: .init(services: [.named(keeper)], logger: quiet))
      try await withThrowingTaskGroup { tasks in
        tasks.addTask { try await group.run() }
        var summaries = handed.stream.makeAsyncIterator()
        for minute in 1...2 {
          try await refuse(5000, by: dispatcher, at: test.clock.now())
          #expect(try await test.size() == before + UInt64(minute - 1), "a stranger made us write")
          test.clock.advance(.seconds(60))
          ticks.continuation.yield()
          let counted = try #require(await summaries.next())
          try expect(counted, total: 5000, until: test.clock.now())
          #expect(try await test.size() == before + UInt64(minute))
        }
        // A minute in which nobody was refused writes nothing, nor does the end.
        test.clock.advance(.seconds(60))
        ticks.continuation.yield()
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
      }
      try await expectEvents(from: before, test)
      try test.expectWholeLedger()
    }
  }

  private func expect(_ counted: RefusalTally.Counted, total: UInt64, until end: Timestamp) throws {
    #expect(counted.event.total == total && counted.event.to == end && counted.event.from < end)
    #expect(counted.details.rows.count == 64)
    #expect(counted.details.rows.map(\.count).reduce(counted.event.others, +) == total)
    #expect(counted.event.others > 0)
    #expect(
      Set(counted.details.rows.map(\.code)).isSubset(of: ["not-authenticated", "ticket-wrong", "too-many-attempts"]))
  }

  private func expectEvents(from first: UInt64, _ test: TestInstance) async throws {
    #expect(try await test.size() == first + 2)
    for position in first..<first + 2 {
      let event = try #require(try await test.instance.ledger.event(at: position))
      #expect(try EventEnvelope(event).kind == RefusalsCounted.kind)
      let body = try #require(try EventKind(RefusalsCounted.self).body(event) as? RefusalsCounted)
      #expect(body.total == 5000)
      #expect(
        event.count < 1024 && !String(decoding: event, as: UTF8.self).contains("10.0."), "an address in the clear")
    }
  }

  /// From 200 addresses: nobody's certificate on one route, a wrong code on the other.
  private func refuse(_ count: Int, by dispatcher: Dispatcher, at now: Timestamp) async throws {
    for number in 0..<count {
      let source = try #require(SourceAddress(bytes: [10, 0, 0, UInt8(number % 200)]))
      let isCode = number % 200 < 10
      var head = HTTPRequest(
        method: isCode ? .post : .get, scheme: "https", authority: "localhost",
        path: isCode ? "/.well-known/est/simpleenroll" : "/v1/devices")
      if isCode {
        head.headerFields[.authorization] = "Basic " + Data("pump-7:WRONG".utf8).base64EncodedString()
        head.headerFields[.contentType] = "application/pkcs10"
      }
      let exchange = Exchange(
        Request(head: head, body: RequestBody(buffer: .init(string: "MAA="))),
        of: PeerIdentity(chain: [], source: source, isSecure: true), at: now, dispatcher.load)
      let (answer, _, _) = try await dispatcher.outcome(of: exchange)
      if answer.status != .unauthorized { #expect(isCode && answer.status == .tooManyRequests) }
    }
  }

  private let quiet = Logger(label: "muster") { _ in SwiftLogNoOpLogHandler() }

  private func dispatcher(_ test: TestInstance, _ strangers: StrangerLimits) async throws -> Dispatcher {
    let status = try await PublishedStatus(test.opened, logger: quiet)
    let rooms = ServiceRooms(
      instance: test.instance, reader: test.opened.readers, vault: test.opened.vault, points: test.opened.points,
      status: status, hubs: test.opened.readers, ledger: test.opened.record.origin)
    return Dispatcher(
      rooms, strangers: strangers, load: ServiceLoad(limits: ConnectionLimits()), logger: quiet, findings: { [] }
    )
  }
}
