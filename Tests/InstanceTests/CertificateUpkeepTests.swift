import CertificateAuthority
import Enrollment
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

  @Test
  func `where another CA of the service took over, its TLS certificate is by that one, and peers of before go on`()
    async throws
  {
    try await TestInstance.with { test in
      let before = try #require(test.instance.authorities.issuer(for: .service))
      func added(_ name: String, _ test: TestInstance) async throws -> [[UInt8]] {
        let input = OperatorInput(name: name, role: "auditor", groups: nil, csr: "")
        return try await test.administration.addOperator(
          input, csr: try PeerKey().request(commonName: name), by: .folder()
        ).get().chain
      }
      let olga = try #require(try await added("olga", test).first)
      let devices = test.instance.authorities.issuer(for: .devices)?.keyID
      let first = try ServerIdentity.read(test.opened.folder).leaf
      let file = try test.opened.folder.readSecret(.serverCredential).withUnsafeBytes { Array($0) }
      let new = try await IssuerRotation(opened: test.opened, use: .service).rotate(
        sealedKey: try test.opened.folder.read(.offlineRoot), code: test.code)
      try await test.reopened { test in
        #expect(test.instance.authorities.issuer(for: .service)?.keyID == new.keyID && new.keyID != before.keyID)
        #expect(test.instance.authorities.issuer(for: .devices)?.keyID == devices, "that of devices is the same")
        let upkeep = CertificateUpkeep(
          opened: test.opened, credential: CurrentCredential(try ServerIdentity.read(test.opened.folder).credential),
          logger: quiet)
        try await upkeep.renewWhatIsDue()
        let leaf = try ServerIdentity.read(test.opened.folder).leaf
        #expect(leaf != first)
        #expect(try Certificate(derEncoded: leaf).issuer == Certificate(derEncoded: new.certificate).subject)
        let size = try await test.size()
        try await upkeep.renewWhatIsDue()
        #expect(try await test.size() == size, "once is enough")
        let (folder, openssl) = (test.opened.folder, try OpenSSL())
        for (name, der) in [("leaf.pem", leaf), ("issuer.pem", new.certificate)] {
          try writeFile("\(test.path)/\(name)", Array(PEM.certificate(der).utf8), mode: 0o644)
        }
        try openssl.succeed(
          "verify -x509_strict -no_check_time -CAfile \(folder.path(of: .root)) -untrusted \(test.path)/issuer.pem "
            + "\(test.path)/leaf.pem")
        // Who has a certificate of the one before is known as ever; who is added gets one of the new.
        guard case .known = try await Authentication(test.instance).identify(leaf: olga) else {
          Issue.record("expected olga to be known")
          return
        }
        #expect(try await added("anna", test).last == new.certificate)
        // A renewal that was cut short is on record, and not in the file.
        try test.opened.folder.write(.serverCredential, file, isSecret: true)
        try await upkeep.renewWhatIsDue()
        #expect(try ServerIdentity.read(test.opened.folder).leaf != first)
        try test.expectWholeLedger()
      }
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
      let group = ServiceGroup(configuration: .init(services: services.map { .named($0) }, logger: quiet))
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
