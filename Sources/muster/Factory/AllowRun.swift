import Enrollment
import Foundation
import KeyVault
import Manifests
import MusterModel
import NIOCore

/// A run of `factory allow`: chunk by chunk, each settled before the next is asked about. Where it is cut off, the same
/// rows are asked about again, with the same secrets, and get the same answers.
struct AllowRun {
  private let client: APIClient
  private let order: RecordName
  private let validSeconds: Int?
  private let progress: RunProgress
  private var manifest: ManifestFile
  private let journal: AllowJournal
  private var secrets: SecretsFile?
  private var refused: RefusedFile
  private var counts = RunCounts()
  /// Boards whose secret was given out before and is not in the file.
  private var elsewhere = 0

  private static let chunk = 256

  /// With `validSeconds` each board gets a one-time secret.
  init(
    _ client: APIClient, _ files: StationFiles, _ manifest: ManifestFile, _ order: OrderSummary, validSeconds: Int?,
    _ progress: RunProgress
  ) throws {
    self.client = client
    self.order = order.name
    self.validSeconds = validSeconds
    self.progress = progress
    self.manifest = manifest
    journal = try AllowJournal(files, order)
    secrets = try validSeconds.map { _ in try SecretsFile(files) }
    refused = try RefusedFile(files)
  }

  mutating func run() async throws -> RunCounts {
    var rows: [ManifestRow] = []
    while let lines = try manifest.next() {
      for line in lines {
        switch line {
        case .row(let row): rows.append(row)
        case .fault(let fault): try refuse(fault.cells, fault.code, "line \(fault.line): \(fault.reason)")
        }
        if rows.count == AllowRun.chunk {
          try await allow(rows)
          rows = []
        }
      }
    }
    if !rows.isEmpty { try await allow(rows) }
    try secrets?.finish()
    try refused.finish()
    try journal.finish()
    if elsewhere > 0 {
      standardError(
        "muster: \(elsewhere) boards have a secret that holds and was given out before; for another one: "
          + "muster ticket list, muster ticket cancel")
    }
    return counts
  }

  private mutating func refuse(_ cells: ManifestCells, _ code: String, _ reason: String) throws {
    try refused.add(cells, code: code, reason: reason)
    counts.refused += 1
  }

  private mutating func allow(_ rows: [ManifestRow]) async throws {
    let asked = rows.enumerated().map { number, row in
      AllowanceRow(
        row: row, number: UInt64(number), code: validSeconds.flatMap { _ in journal.secret(of: row) },
        validSeconds: validSeconds)
    }
    let lines: [FlatObject] = try await persisting { try await answers(to: asked) }
    for (asked, answer) in zip(asked, lines) { try settle(asked, answer) }
    progress.show(counts, manifest.progress)
  }

  /// In the order of the rows; nil where some are to be asked about again.
  private func answers(to rows: [AllowanceRow]) async throws -> [FlatObject]? {
    let (pieces, send) = AsyncStream.makeStream(of: ByteBuffer.self)
    send.yield(ByteBuffer(bytes: rows.flatMap { JSONWriter.bytes(of: $0) + [UInt8(ascii: "\n")] }))
    send.finish()
    let body = try await client.stream(
      "/v1/orders/\(segment(order.text))/allowances", query: [("batch", journal.batch.description)], pieces)
    var (lines, answers) = (AnswerLines(body), [FlatObject]())
    while let line = try await lines.next() {
      guard let answer = FlatObject(line), answer.number("row") == UInt64(answers.count) else {
        throw CommandFailure("expected a line for each row from the service, found something else")
      }
      answers.append(answer)
    }
    guard answers.count == rows.count else { throw AnswerCutOff() }
    return answers.contains { $0["retry"] == .bool(true) } ? nil : answers
  }

  private mutating func settle(_ asked: AllowanceRow, _ answer: FlatObject) throws {
    if let code = answer.text("code") { return try refuse(asked.row.cells, code, answer.text("reason") ?? "") }
    guard let state = answer.text("state"), let isNew = answer["isNew"] else {
      throw CommandFailure("expected what became of a row from the service, found something else")
    }
    if isNew == .bool(true) { counts.made += 1 } else { counts.already += 1 }
    guard let secrets else { return }
    if state == "allowed", let code = asked.code {
      try self.secrets?.add(asked.row, code, expires: answer.text("expires") ?? "")
    } else if state == "standing", try !secrets.contains(asked.row.hardware) {
      elsewhere += 1
    }
  }
}

/// A row as it is asked about.
struct AllowanceRow: CanonicalJSON {
  let row: ManifestRow
  let number: UInt64
  let code: TicketCode?
  /// Of a row that gets a one-time secret.
  let validSeconds: Int?

  func write(to json: inout JSONWriter) {
    json.field("deviceID", row.deviceID)
    json.field("group", row.group)
    json.field("hardware", row.hardware)
    json.field("row", number: number)
    json.field("secret", code.map(\.shown))
    json.field("validSeconds", number: validSeconds.map { UInt64($0) })
  }
}

extension TicketCode {
  /// As it is printed.
  var shown: String { text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}
