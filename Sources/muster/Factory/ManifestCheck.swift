import ArgumentParser
import DeviceRegistry
import Foundation
import Manifests
import MusterModel
import NIOCore
import SQLiteStore

/// `--check`: which lines of a manifest would be refused, by what they say and by what the registry knows. Nothing is made.
struct ManifestCheck {
  private var manifest: ManifestFile
  /// What the station's folder has made or has under way is no conflict: the same request gets the same answer again.
  private let known: StationKnown?
  private var (good, bad) = (0, 0)

  init(_ manifest: ManifestFile, out files: StationFiles?) throws {
    self.manifest = manifest
    known = try files.map(StationKnown.init)
  }

  /// The manifest by itself.
  mutating func run() throws {
    while let rows = try next() { good += rows.count }
    try end()
  }

  /// The manifest, and what the service says at `path` of each board's line: a chunk is answered before the next is sent.
  mutating func run(
    asking path: String, _ client: APIClient, line: (ManifestRow) -> some CanonicalJSON
  ) async throws {
    let (pieces, send) = AsyncStream.makeStream(of: ByteBuffer.self)
    defer { send.finish() }
    var answer: AnswerLines?
    while let rows = try next() {
      send.yield(ByteBuffer(bytes: rows.flatMap { JSONWriter.bytes(of: line($0)) + [UInt8(ascii: "\n")] }))
      if answer == nil { answer = AnswerLines(try await client.stream(path, query: [], pieces)) }
      for _ in rows { try count(await answer?.next()) }
    }
    try end()
  }

  private mutating func count(_ line: [UInt8]?) throws {
    guard let object = line.flatMap({ FlatObject($0) }), let number = object.number("row") else {
      throw CommandFailure("expected a line for each row from the service, found its answer cut off")
    }
    guard let code = object.text("code") else { return good += 1 }
    tell(Int(clamping: number), code, printable(object.text("reason") ?? "", upTo: 400))
  }

  private mutating func tell(_ line: Int, _ code: String, _ reason: String) {
    bad += 1
    print("line \(line): \(code): \(reason)")
  }

  /// The next rows that are good by themselves, the bad ones told; nil at the end.
  private mutating func next() throws -> [ManifestRow]? {
    var rows: [ManifestRow] = []
    while rows.isEmpty, let lines = try manifest.next() {
      for line in lines {
        switch line {
        case .fault(let fault): tell(fault.line, fault.code, fault.reason)
        case .row(let row):
          if try known?.contains(row.hardware) == true { good += 1 } else { rows.append(row) }
        }
      }
    }
    return rows.isEmpty ? nil : rows
  }

  private func end() throws {
    standardError("muster: \(good) rows are good, \(bad) are not")
    if bad > 0 { throw ExitCode(3) }
  }
}

/// A row as it is asked about: its number is its line.
struct AskedRow: CanonicalJSON {
  let row: ManifestRow
  let credentials: DeviceCredentials

  func write(to json: inout JSONWriter) {
    if credentials != .certificate { json.field("credentials", credentials.rawValue) }
    if credentials.hasCertificate { json.field("csr", row.request.map { Data($0).base64EncodedString() }) }
    json.field("deviceID", row.deviceID)
    json.field("group", row.group)
    json.field("hardware", row.hardware)
    json.field("row", number: UInt64(row.line))
  }
}

/// The boards that a station's folder has made or has under way, by the hash of their hardware IDs.
struct StationKnown {
  private let hardware: ScratchSet

  init(_ files: StationFiles) throws {
    hardware = try ScratchSet()
    for path in [files.made, files.journal] where FileManager.default.fileExists(atPath: path) {
      try AppendFile(path).lines { line in
        if let text = FlatObject(line)?.text("hardware") { _ = try hardware.insert(text.hashValue) }
      }
    }
  }

  func contains(_ id: HardwareID) throws -> Bool { try hardware.contains(id.description.hashValue) }
}
