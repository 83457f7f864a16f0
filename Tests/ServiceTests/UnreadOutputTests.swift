import Foundation
import MusterTesting
import Testing

extension Program {
  /// The same, its standard output a pipe whose reader has gone.
  fileprivate static func unread(
    _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) async throws -> Ran {
    try await run(
      "/bin/bash", ["-c", #"exec 3> >(exec true); wait $!; exec "$0" "$@" >&3"#, try path()] + arguments,
      input: Array(input.utf8), environment: environment)
  }
}

extension ServiceTests {
  /// Whoever read standard output may have gone: nothing ends half way.
  @Suite struct UnreadOutputTests {
    let line = ServiceTests.FactoryTests()

    @Test func `an instance whose recovery code nobody would read is not made`() async throws {
      let folder = try ScratchFolder()
      defer { folder.remove() }
      let (data, code) = (folder.file("data"), folder.file("code"))
      let unread = try await Program.unread(["init", "--data", data])
      #expect(unread.status == 1 && unread.errors.contains("expected somebody to read the recovery code"))
      #expect(!FileManager.default.fileExists(atPath: data))
      let written = try await Program.unread(["init", "--data", data, "--recovery-code-file", code])
      #expect(written.status == 0, "\(written.errors)")
      #expect(FileManager.default.fileExists(atPath: code))
      _ = try await Program.muster(["ledger", "verify", "--data", data]).succeeded()
    }

    @Test func `a scanner's station ends in order once nobody reads its results, and goes on another day`() async throws
    {
      try await ServedInstance.with { instance in
        let station = try await line.station("line-1", order: "june", count: 10, instance)
        let out = instance.folder.file("made")
        let watch = ["factory", "provision", "--watch", "--device-id", "meter-{serial}", "--out", out]
        let environment = ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": station]
        let scanned = (1...3).map { "cpu-serial:\(line.board($0))\n" }
        let ran = try await Program.unread(watch, input: scanned.joined(), environment: environment)
        #expect(ran.status == 1 && ran.errors.contains("expected standard output to be read"), "\(ran.errors)")
        try line.expectFolders(in: out, 1)
        let again = try await Program.muster(watch, input: scanned.joined(), environment: environment)
        #expect(again.status == 0 && again.lines.count == 3 && again.lines[0].hasSuffix(" already"), "\(again.errors)")
        try line.expectFolders(in: out, 3)
        #expect(try await line.shown("june", instance).made == 3)
      }
    }

    @Test func `a listing that nobody reads is not fetched to its end`() async throws {
      try await ServedInstance.with { instance in
        let environment = ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": instance.administrator]
        let ran = try await Program.unread(["operator", "list", "--output", "json"], environment: environment)
        #expect(ran.status == 1 && ran.errors.isEmpty, "\(ran.status) \(ran.errors)")
      }
    }
  }
}
