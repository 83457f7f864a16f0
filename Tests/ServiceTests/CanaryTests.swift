import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// A known key is brought in, used and asked for wrongly, and the service crashes: then it is searched for in all that was
  /// written.
  @Suite struct CanaryTests {
    /// As bytes, and as people and programs write them.
    private static func forms(of bytes: Data) -> [Data] {
      let base64 = bytes.base64EncodedString()
      let texts = [
        Hex.encode(Array(bytes)), Hex.encode(Array(bytes)).uppercased(), base64, Base64URL.encode(Array(bytes)),
        base64.replacing("/", with: "\\/"), bytes.prefix(8).map(String.init).joined(separator: ", "),
        bytes.prefix(8).map(String.init).joined(separator: ","),
      ]
      return [bytes] + texts.map { Data($0.utf8) }
    }

    /// The files below a folder that have it in one of its forms.
    private static func found(_ canary: Data, below path: String) throws -> [String] {
      let forms = forms(of: canary)
      let names = try #require(FileManager.default.enumerator(atPath: path)?.allObjects as? [String])
      return names.filter { name in
        guard let content = try? Data(contentsOf: URL(filePath: path).appending(path: name)) else { return false }
        return forms.contains { content.range(of: $0) != nil }
      }
    }

    @Test func `a search finds each form, so that one that finds nothing says something`() throws {
      let folder = try ScratchFolder()
      defer { folder.remove() }
      let canary = Data((0..<32).map { _ in UInt8.random(in: 0...255) })
      for (number, form) in Self.forms(of: canary).enumerated() {
        try (Data("before ".utf8) + form + Data(" after".utf8)).write(to: URL(filePath: folder.file("\(number)")))
      }
      #expect(try Self.found(canary, below: folder.path).count == Self.forms(of: canary).count)
    }

    @Test func `a canary key is nowhere: not in the folder, the log, an export, or what a crash leaves`() async throws {
      let secret = try ScratchFolder()
      defer { secret.remove() }
      let canary = Data(SecretBytes.random(count: 32).withUnsafeBytes { Array($0) })
      let file = secret.file("canary.key")
      try canary.write(to: URL(filePath: file))
      try await ServedInstance.with { instance in
        #expect(await instance.service.end() == 0)
        // A crash says all it can.
        instance.service = try await ServiceProcess(
          data: instance.data, log: instance.folder.file("log"),
          through: ["SWIFT_BACKTRACE=enable=yes,color=no,interactive=no"])
        let cores = try cores()
        _ = try await instance.muster("group", "add", "pumps").succeeded()
        for kind in ["aes256-gcm", "hmac-sha256", "group-enrollment"] {
          let group = kind == "group-enrollment" ? ["--group", "pumps"] : []
          let imported = try await Program.muster(
            ["key", "import", "in-\(kind)", "--kind", kind, "--file", file] + group,
            environment: ["MUSTER_SERVER": instance.service.server, "MUSTER_IDENTITY": instance.administrator])
          try expectNothing(canary, imported)
        }
        // The key as a plaintext, too.
        let text = try await instance.muster("key", "encrypt", "in-aes256-gcm", input: canary.base64EncodedString())
        try expectNothing(canary, text)
        try expectNothing(canary, try await instance.muster("key", "mac", "in-hmac-sha256", input: "a"))
        _ = try await instance.muster("key", "boards", "in-group-enrollment", "pump-1").succeeded()
        try await askWrongly(instance, canary)
        for ring in ["in-aes256-gcm", "in-hmac-sha256"] {
          _ = try await instance.muster("key", "rotate", ring).succeeded()
          try expectNothing(canary, try await instance.muster("key", "show", ring))
        }
        let export = try await instance.onFolder("ledger", "export").succeeded()
        #expect(export.contains("key-version-made"))
        _ = try instance.folder.write(export, to: "export.jsonl")
        // The first is caught and told of, at length: whoever asks meanwhile waits for that. The second ends it.
        kill(instance.service.pid, SIGABRT)
        _ = try await instance.muster("key", "list").succeeded()
        let status = await instance.service.end(SIGABRT)
        #expect(status == SIGABRT && instance.log.contains("Backtrace took"), "\(status)")
        #expect(try self.cores() == cores, "no core file is left")
        #expect(try Self.found(canary, below: instance.folder.path) == [])
        try await instance.start()
        #expect(try await instance.muster("key", "list", "--output", "csv").succeeded().contains("in-aes256-gcm"))
        #expect(await instance.service.end() == 0)
        #expect(try Self.found(canary, below: instance.folder.path) == [])
        #expect(instance.log.count > 100)
        try await instance.start()
      }
    }

    private func expectNothing(_ canary: Data, _ ran: Ran) throws {
      #expect(ran.status == 0, "\(ran.errors)")
      for form in Self.forms(of: canary) {
        for said in [ran.output, ran.errors] { #expect(Data(said.utf8).range(of: form) == nil) }
      }
    }

    /// What is refused is logged, and recorded: without what was in it.
    private func askWrongly(_ instance: ServedInstance, _ canary: Data) async throws {
      let client = try instance.client(instance.administrator)
      let text = canary.base64EncodedString()
      for (path, body) in [
        ("/v1/keys/in-hmac-sha256/encrypt", #"{"items":[{"data":"\#(text)"}]}"#),
        ("/v1/keys/in-aes256-gcm/encrypt", #"{"items":[{"data":"\#(text)","more":1}]}"#),
        ("/v1/keys/in-aes256-gcm/decrypt", #"{"items":[{"text":"\#(text)"}]}"#),
        ("/v1/keys/in-aes256-gcm/derive", #"{"context":"","key":"\#(text)"}"#),
        ("/v1/keys/import", #"{"ring":{"name":"a","kind":"aes256-gcm"},"key":"\#(text)"}"#),
        ("/v1/keys", #"{"name":"\#(text)","kind":"aes256-gcm"}"#),
        ("/v1/vault/unseal", #"{"passphrase":"\#(text)","share":"\#(text)"}"#),
      ] {
        let answer = try await client.send(
          .POST, path, [("Content-Type", "application/json")], body: Array(body.utf8))
        #expect((400..<500).contains(answer.status), "\(path) \(answer.status)")
        for form in Self.forms(of: canary) { #expect(Data(answer.body).range(of: form) == nil, "\(path)") }
      }
      await client.shutdown()
    }

    private func cores() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: FileManager.default.currentDirectoryPath)
        .filter { $0.hasPrefix("core") || $0.hasPrefix("vgcore") }.sorted()
    }
  }
}
