import Foundation
import HTTPService
import Logging
import MusterModel
import MusterTesting
import ServiceLifecycle
import Testing
import X509

@testable import muster

/// What `muster serve` runs, by a clock that is told the time.
@Suite(.timeLimit(.minutes(20))) struct CertificateUpkeepTests {
  @Test func `the TLS certificate changes at two thirds of its life, and standing connections go on`() async throws {
    try await serving { test, port in
      let standing = try await TLSConnection(port: port)
      #expect(try await standing.get("/health/live").hasPrefix("HTTP/1.1 200"))
      let first = try #require(standing.leaf)
      let (begins, ends) = try validity(first)
      let due = begins + .milliseconds((ends.milliseconds - begins.milliseconds) * 2 / 3)
      #expect(ends.milliseconds - begins.milliseconds > 80 * 86_400_000)

      test.clock.advance(.milliseconds(due.milliseconds - test.clock.now().milliseconds - 1000))
      let upkeep = CertificateUpkeep(
        opened: test.opened, credential: CurrentCredential(try ServerIdentity.read(test.opened.folder).credential),
        logger: quiet)
      try await upkeep.renewWhatIsDue()
      #expect(try ServerIdentity.read(test.opened.folder).leaf == first, "renewed before its time")

      test.clock.advance(.seconds(1))
      var shown = first
      while shown == first {
        let fresh = try await TLSConnection(port: port)
        shown = try #require(fresh.leaf)
        #expect(try await fresh.get("/health/live").hasPrefix("HTTP/1.1 200"))
        await fresh.close()
      }
      try await expectSuccessor(shown, of: first, test)
      #expect(try await standing.get("/health/live").hasPrefix("HTTP/1.1 200"))
      #expect(standing.leaf == first && standing.isOpen)
      await standing.close()
    }
  }

  private func expectSuccessor(_ leaf: [UInt8], of first: [UInt8], _ test: TestInstance) async throws {
    let (old, new) = (try Certificate(derEncoded: first), try Certificate(derEncoded: leaf))
    #expect(new.serialNumber != old.serialNumber && new.publicKey != old.publicKey && new.issuer == old.issuer)
    #expect(new.notValidAfter > old.notValidAfter)
    #expect(
      try new.extensions.subjectAlternativeNames.map { Array($0) }
        == old.extensions.subjectAlternativeNames.map { Array($0) })
    #expect(try ServerIdentity.read(test.opened.folder).leaf == leaf, "a restart would serve another")
    try test.expectWholeLedger()
  }

  private func validity(_ der: [UInt8]) throws -> (Timestamp, Timestamp) {
    let certificate = try Certificate(derEncoded: der)
    func time(_ date: Date) -> Timestamp { Timestamp(milliseconds: Int64(date.timeIntervalSince1970) * 1000) }
    return (time(certificate.notValidBefore), time(certificate.notValidAfter))
  }

  private let quiet = Logger(label: "muster") { _ in SwiftLogNoOpLogHandler() }

  private func serving(_ body: @escaping @Sendable (TestInstance, Int) async throws -> Void) async throws {
    try await TestInstance.with { test in
      let ready = AsyncStream<Listening.Bound>.makeStream()
      let address = Listening.Address(host: "127.0.0.1", port: 0)
      let serving = Serving(
        opened: test.opened, address: address, plain: nil, isMemoryLocked: true, logger: quiet,
        upkeepInterval: .milliseconds(20))
      let services = try await serving.services { ready.continuation.yield($0) }
      let group = ServiceGroup(configuration: .init(services: services, logger: quiet))
      try await withThrowingTaskGroup { tasks in
        tasks.addTask { try await group.run() }
        tasks.addTask {
          var bound = ready.stream.makeAsyncIterator()
          if let port = await bound.next()?.port { try await body(test, port) }
          await group.triggerGracefulShutdown()
        }
        try await tasks.waitForAll()
      }
    }
  }
}
