import ArgumentParser
import Enrollment
import Foundation
import KeyVault
import MusterModel

// What is done with key rings: from standard input to standard output.

extension KeyCommand {
  /// Which ring, and what the use is bound to.
  struct Ring: ParsableArguments {
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String
    @Option(help: "What it is bound to: the same is to be said again to undo or verify it.") var context: String?

    /// What comes of one item.
    func ask(_ use: String, data: Data? = nil, text: String? = nil) async throws -> KeyItemResult {
      try ProcessHardening.apply()
      let item = KeyItem(data: data?.base64EncodedString(), text: text, context: context)
      let answer: KeyItemResults = try await connection.withClient {
        try await $0.post("/v1/keys/\(segment(name))/\(use)", KeyItems(items: [item]))
      }
      guard let result = answer.results.first, result.code == nil else {
        throw CommandFailure(
          "expected what this key ring made, for this context, found something else "
            + "(\(answer.results.first?.code ?? "no result"))", isRefusal: true)
      }
      return result
    }

    func text(_ use: String) async throws -> String {
      guard let text = try await ask(use, data: try standardInput()).text else { throw noText }
      return text
    }
  }

  struct Encrypt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Encrypts standard input.",
      discussion: "Example: muster key encrypt firmware --context pump-7 < image.key > image.key.enc")
    @OptionGroup var ring: Ring
    func run() async throws { print(try await ring.text("encrypt")) }
  }

  struct Decrypt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Decrypts a ciphertext on standard input, and gives the very bytes.",
      discussion: "Example: muster key decrypt firmware --context pump-7 < image.key.enc > image.key")
    @OptionGroup var ring: Ring

    func run() async throws {
      let found = try await ring.ask("decrypt", text: try line())
      guard let data = found.data.flatMap({ Data(base64Encoded: $0) }) else { throw noText }
      try FileHandle.standardOutput.write(contentsOf: data)
    }
  }

  struct Rewrap: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Brings ciphertexts, one a line, to the newest version. Nobody sees what is in them.",
      discussion: "Example: muster key rewrap firmware < old.txt > new.txt")
    @OptionGroup var ring: Ring

    func run() async throws {
      var refused = 0
      try await ring.connection.withClient { client in
        var chunk: [String] = []
        while let line = readLine() {
          guard !line.isEmpty else { continue }
          chunk.append(line)
          if chunk.count == Rewrap.chunk { refused += try await rewrap(&chunk, client) }
        }
        refused += try await rewrap(&chunk, client)
      }
      if refused > 0 { throw CommandFailure("\(refused) ciphertexts were refused and are as they were", status: 3) }
    }

    /// As many as stay well below the longest body.
    private static let chunk = 16

    /// Prints a line for each line, so that the two can be laid side by side. Returns how many were refused.
    private func rewrap(_ lines: inout [String], _ client: APIClient) async throws -> Int {
      guard !lines.isEmpty else { return 0 }
      let items = KeyItems(items: lines.map { KeyItem(text: $0, context: ring.context) })
      let answer: KeyItemResults = try await client.post("/v1/keys/\(segment(ring.name))/rewrap", items)
      guard answer.results.count == lines.count else { throw noText }
      for (line, result) in zip(lines, answer.results) {
        print(result.text ?? line)
        if let code = result.code { standardError("muster: \(excerpt(line)): \(code)") }
      }
      lines = []
      return answer.results.count { $0.code != nil }
    }
  }

  struct MAC: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "mac", abstract: "Authenticates standard input.",
      discussion: "Example: muster key mac journal < journal.csv > journal.mac")
    @OptionGroup var ring: Ring
    func run() async throws { print(try await ring.text("mac")) }
  }

  struct Sign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Signs standard input.",
      discussion: """
        Example: muster key sign releases < release.tar > release.sig
        With --raw the signature's bytes alone, as openssl takes them: DER for p256, 64 bytes for ed25519.
        """)
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String
    @Flag(help: "The signature's bytes alone.") var raw = false

    func run() async throws {
      var ring = Ring()
      (ring.connection, ring.name, ring.context) = (connection, name, nil)
      let text = try await ring.text("sign")
      guard raw else { return print(text) }
      guard let signature = RingText(text, as: .signature) else { throw noText }
      try FileHandle.standardOutput.write(contentsOf: Data(signature.bytes))
    }
  }

  struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says whether a MAC or a signature is a key ring's for standard input: exit 0, else 1.",
      discussion: "Example: muster key verify releases --text release.sig < release.tar")
    @OptionGroup var ring: Ring
    @Option(help: "The file with the MAC or the signature.", completion: .file()) var text: String

    func run() async throws {
      guard let proof = try? String(contentsOfFile: text, encoding: .utf8), proof.utf8.count <= RingText.sizeLimit
      else {
        throw CommandFailure("expected a MAC or a signature in \(text), found no file that can be read")
      }
      let found = try await ring.ask(
        "verify", data: try standardInput(), text: proof.trimmingCharacters(in: .whitespacesAndNewlines))
      guard found.isValid == true else {
        throw CommandFailure(
          "expected what this key ring made of standard input, found something else", isRefusal: true)
      }
      print("valid")
    }
  }

  struct Derive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Derives a key for a context and writes it to a file: the same for the same context, each time.",
      discussion: "Example: muster key derive firmware --context pump-7 --out pump-7.key")
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String
    @Option(help: "What the key is for.") var context: String
    @Option(help: "Its length, in bytes.") var size = RingKey.size
    @Option(help: "The ring's version; the newest by default.") var version: UInt32?
    @Option(help: "Where the key's bytes are written, mode 0600.", completion: .file()) var out: String

    func run() async throws {
      try ProcessHardening.apply()
      let derived: DerivedKey = try await connection.withClient {
        try await $0.post(
          "/v1/keys/\(segment(name))/derive", DerivationInput(context: context, size: size, version: version))
      }
      try writeKey(derived.key, out)
      print("\(name) version \(derived.version) \(out)")
    }
  }

  struct Boards: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Derives the keys of boards from a group's enrollment key: registration ID, comma, key in base64.",
      discussion: "Example: muster key boards pump-boards pump-1 pump-2 > boards.csv")
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String
    @Argument(help: "The boards' registration IDs.") var registrations: [String]
    @Option(help: "The ring's version; the newest by default.") var version: UInt32?

    /// Each is printed as it comes: what was not printed was not derived.
    func run() async throws {
      try ProcessHardening.apply()
      try await connection.withClient { client in
        for registration in registrations {
          let input = DerivationInput(context: registration, size: nil, version: version)
          let derived: DerivedKey = try await client.post("/v1/keys/\(segment(name))/derive", input)
          print("\(registration),\(derived.key)")
        }
      }
    }
  }

  struct MakeDataKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "data-key",
      abstract: "Makes a fresh key: its bytes to a file, the same encrypted to standard output.",
      discussion: "Example: muster key data-key firmware --out data.key > data.key.enc")
    @OptionGroup var connection: Connection
    @Argument(help: "The key ring's name.") var name: String
    @Option(help: "What it is bound to.") var context: String?
    @Option(help: "Where the key's bytes are written, mode 0600.", completion: .file()) var out: String

    func run() async throws {
      try ProcessHardening.apply()
      guard !FileManager.default.fileExists(atPath: out) else {
        throw CommandFailure("expected no file at \(out), found one: keys are never written over")
      }
      let made: DataKey = try await connection.withClient {
        try await $0.post("/v1/keys/\(segment(name))/data-key", DataKeyInput(context: context))
      }
      try writeKey(made.key, out)
      print(made.ciphertext)
    }
  }
}

private let noText = CommandFailure("expected an answer of this version's API, found another")

private func writeKey(_ base64: String, _ path: String) throws {
  guard !FileManager.default.fileExists(atPath: path) else {
    throw CommandFailure("expected no file at \(path), found one: keys are never written over")
  }
  guard let bytes = Data(base64Encoded: base64) else { throw noText }
  try writeFile(path, bytes, mode: 0o600)
}

/// All of standard input, as far as a use takes it.
private func standardInput() throws -> Data {
  var data = Data()
  while data.count <= RingKey.plaintextLimit,
    let piece = try FileHandle.standardInput.read(upToCount: RingKey.plaintextLimit + 1 - data.count), !piece.isEmpty
  {
    data += piece
  }
  guard data.count <= RingKey.plaintextLimit else {
    throw CommandFailure(
      "expected at most \(RingKey.plaintextLimit) bytes on standard input, found more: encrypt with a data key")
  }
  return data
}

private func line() throws -> String {
  guard let line = readLine(), !line.isEmpty else {
    throw CommandFailure("expected a ciphertext on standard input, found none")
  }
  return line
}
