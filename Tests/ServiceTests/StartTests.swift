import Foundation
import NIOCore
import Testing

@testable import muster

extension ServiceTests {
  /// What keeps a service from starting is said in one line that tells what to do, and the exit status is 1.
  @Suite struct StartTests {
    private func expectRefused(
      _ folder: ScratchFolder, _ options: [String] = [], saying words: [String],
      _ location: SourceLocation = #_sourceLocation
    ) async throws {
      let ran = try await Program.muster(
        ["serve", "--data", folder.file("data"), "--listen", "127.0.0.1:0", "--log-level", "error"] + options)
      #expect(ran.status == 1, sourceLocation: location)
      #expect(ran.output.isEmpty, sourceLocation: location)
      let said = ran.errors.split(separator: "\n")
      #expect(said.count == 1 && said.first?.hasPrefix("muster: ") == true, "\(ran.errors)", sourceLocation: location)
      for word in words { #expect(ran.errors.contains(word), "\(word) in: \(ran.errors)", sourceLocation: location) }
    }

    private func withFolder(_ body: (ScratchFolder) async throws -> Void) async throws {
      let folder = try ScratchFolder()
      defer { folder.remove() }
      try await ServedInstance.found(in: folder)
      try await body(folder)
    }

    @Test func `a folder in use, and a port in use, are refused`() async throws {
      try await ServedInstance.with { instance in
        let pid = instance.service.pid
        try await expectRefused(instance.folder, saying: ["in use", "\(pid)", "stop"])
        let other = try ScratchFolder()
        defer { other.remove() }
        try await ServedInstance.found(in: other)
        let address = String(instance.service.server.dropFirst("https://".count))
        try await expectRefused(other, ["--listen", address], saying: ["--listen", address, "in use"])
        try await expectRefused(other, ["--listen-plain", address], saying: ["--listen-plain", address, "in use"])
        try await expectRefused(other, ["--listen", "192.0.2.1:8443"], saying: ["--listen", "192.0.2.1:8443"])
      }
    }

    @Test func `a verbose log names what runs, and does not write out what that holds`() async throws {
      try await withFolder { folder in
        let service = try await ServiceProcess(
          data: folder.file("data"), log: folder.file("log"), ["--log-level", "trace"])
        #expect(await service.end() == 0)
        let lines = try folder.read("log").split(separator: "\n")
        for name in ["CertificateUpkeep", "ServiceApplication", "Listeners"] {
          #expect(lines.contains { $0.contains("\"\(name)\"") }, "\(name)")
        }
        #expect(lines.allSatisfy { $0.utf8.count < 1000 })
      }
    }

    @Test func `a database of a newer Muster is refused`() async throws {
      try await withFolder { folder in
        // The user version is four bytes at 60 in the file's header (sqlite.org/fileformat2.html).
        let database = try FileHandle(forUpdating: URL(fileURLWithPath: folder.file("data/muster.db")))
        try database.seek(toOffset: 60)
        try database.write(contentsOf: [0, 0, 3, 231])
        try database.close()
        try await expectRefused(folder, saying: ["999", "newer muster"])
      }
    }

    @Test(arguments: [
      (file: "policies/access.yaml", line: "    - device.list", broken: "    - device.lst"),
      ("policies/enrollment.yaml", "    verdict: permit", "    verdict: perhaps"),
      ("policies/enrollment.yaml", "rules:", "rules: ["),
      ("profiles/device.yaml", "validity: 397d", "validity: ever"),
      ("profiles/blocked-keys.txt", "# ", "nothing "),
    ])
    func `a broken rule is refused whole, naming file and line`(file: String, line: String, broken: String) async throws
    {
      try await withFolder { folder in
        let text = try folder.read("data/" + file)
        let edit = try #require(text.range(of: line))
        _ = try folder.write(text.replacingCharacters(in: edit, with: broken), to: "data/" + file)
        let number = text[..<edit.lowerBound].count { $0.isNewline } + 1
        let name = file.split(separator: "/")[1]
        try await expectRefused(folder, saying: [broken.hasSuffix("[") ? "\(name):" : "\(name):\(number): "])
      }
    }

    @Test(arguments: ["service/tls.pem", "service/ledger.key", "trust/ledger.vkey"])
    func `a missing file is named`(file: String) async throws {
      try await withFolder { folder in
        try FileManager.default.removeItem(atPath: folder.file("data/" + file))
        try await expectRefused(folder, saying: [file])
      }
    }

    @Test func `no instance, and half a one, are told what to do`() async throws {
      let folder = try ScratchFolder()
      defer { folder.remove() }
      try await expectRefused(folder, saying: ["muster init --data"])
      try FileManager.default.createDirectory(atPath: folder.file("data"), withIntermediateDirectories: true)
      _ = try folder.write("not a database, and long enough to be looked at as if it were one", to: "data/muster.db")
      try await expectRefused(folder, saying: ["data"])
    }
  }
}
