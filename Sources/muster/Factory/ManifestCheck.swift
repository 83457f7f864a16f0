import ArgumentParser
import DeviceRegistry
import Foundation
import Manifests
import MusterModel
import NIOCore

/// `--check`: which lines of a manifest would be refused, by what they say and by what the registry knows. Nothing is made.
struct ManifestCheck {
  private let file: FileHandle
  private var reader: ManifestReader
  /// What the station's folder has made or has under way is no conflict: the same request gets the same answer again.
  private let known: StationKnown?
  private let requests: RequestFolder?
  private var isAtEnd = false
  private var (good, bad) = (0, 0)

  /// As many rows are asked about at a time.
  private static let chunk = 256

  init(path: String, naming: DeviceIDPattern?, requests: RequestFolder?, out files: StationFiles?) throws {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw CommandFailure("expected a manifest, found none that can be read at \(path)", status: 2)
    }
    self.file = file
    reader = ManifestReader(naming: naming)
    known = try files.map(StationKnown.init)
    self.requests = requests
  }

  /// The manifest by itself.
  mutating func run() throws {
    while let rows = try next() { good += rows.count }
    try end()
  }

  /// The manifest, and what would become of its boards by the order: a chunk is answered before the next is sent.
  mutating func run(
    against order: RecordName, _ client: APIClient, _ credentials: DeviceCredentials
  ) async throws {
    let (pieces, send) = AsyncStream.makeStream(of: ByteBuffer.self)
    defer { send.finish() }
    var answer: AnswerLines?
    while let rows = try next() {
      send.yield(
        ByteBuffer(
          bytes: rows.flatMap {
            JSONWriter.bytes(of: AskedRow(row: $0, credentials: credentials)) + [UInt8(ascii: "\n")]
          }))
      if answer == nil {
        answer = AnswerLines(try await client.stream("/v1/orders/\(segment(order.text))/check", query: [], pieces))
      }
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
    do {
      while rows.isEmpty, !isAtEnd {
        let bytes = try file.read(upToCount: 1 << 14) ?? Data()
        var lines = try reader.read(bytes)
        if bytes.isEmpty {
          isAtEnd = true
          if let last = try reader.finish() { lines.append(last) }
        }
        for line in lines {
          switch requests?.completing(line) ?? line {
          case .fault(let fault): tell(fault.line, fault.code, fault.reason)
          case .row(let row):
            if known?.contains(row.hardware) == true { good += 1 } else { rows.append(row) }
          }
        }
      }
    } catch let error as ManifestError {
      throw CommandFailure("\(error)", status: 2)
    }
    return rows.isEmpty ? nil : rows
  }

  private func end() throws {
    standardError("muster: \(good) rows are good, \(bad) are not")
    if bad > 0 { throw ExitCode(3) }
  }
}

/// A row as it is asked about: its number is its line.
private struct AskedRow: CanonicalJSON {
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
  private var hardware: Set<Int> = []

  init(_ files: StationFiles) throws {
    for path in [files.made, files.journal] where FileManager.default.fileExists(atPath: path) {
      try AppendFile(path).lines { line in
        if let text = FlatObject(line)?.text("hardware") { hardware.insert(text.hashValue) }
      }
    }
  }

  func contains(_ id: HardwareID) -> Bool { hardware.contains(id.description.hashValue) }
}
