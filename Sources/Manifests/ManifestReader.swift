import MusterModel

/// Reads a manifest, the list of boards for a run of provisioning or for an allowlist, piece by piece as its bytes come:
/// what is held is the line at hand. Which names it has seen, its caller remembers.
///
/// CSV (RFC 4180) with a header, or NDJSON, which begins with `{`. UTF-8 with or without a byte order mark, lines ended by
/// LF or CRLF. Each line is one row: a quoted field ends on its line, so that a quote left open spoils one row and hides
/// no other. A bad line is named and passed over; a manifest whose header cannot be read is no manifest.
public struct ManifestReader: Sendable {
  /// In bytes, its end left out.
  public static let lineLength = 16_384
  public static let lineLimit = 20_000_000

  private let naming: DeviceIDPattern?
  private var form: Form?
  private var pending: [UInt8] = []
  /// The rest of the line at hand is passed over: it was too long.
  private var isSkipping = false
  private var line = 0
  /// How many rows there were, bad ones too.
  private var rows = 0
  private let isNew: @Sendable (Int) throws -> Bool

  private enum Form: Sendable {
    case csv([ManifestColumn])
    case ndjson
  }

  /// `naming` makes the device IDs that the manifest leaves out. `isNew` says of a fingerprint whether it was not asked of
  /// before: a manifest is longer than what memory should hold of it.
  public init(naming: DeviceIDPattern? = nil, isNew: @escaping @Sendable (Int) throws -> Bool) {
    self.naming = naming
    self.isNew = isNew
  }

  /// The lines that end in `bytes`.
  public mutating func read(_ bytes: some Collection<UInt8>) throws(ManifestError) -> [ManifestLine] {
    var found: [ManifestLine] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      take(rest[..<end])
      if let line = try endLine() { found.append(line) }
      rest = rest[rest.index(after: end)...]
    }
    take(rest)
    return found
  }

  /// The last line, where it has no end. Throws where there was no header.
  public mutating func finish() throws(ManifestError) -> ManifestLine? {
    let last = pending.isEmpty && !isSkipping ? nil : try endLine()
    guard form != nil else { throw .noHeader }
    return last
  }

  private mutating func take(_ bytes: some Collection<UInt8>) {
    let room = ManifestReader.lineLength + 1 - pending.count
    if bytes.count > room { isSkipping = true }
    pending.append(contentsOf: bytes.prefix(max(0, room)))
  }

  private mutating func endLine() throws(ManifestError) -> ManifestLine? {
    line += 1
    guard line <= ManifestReader.lineLimit else { throw .tooManyLines }
    var bytes = pending[...]
    let isTooLong = isSkipping
    (pending, isSkipping) = ([], false)
    if line == 1, bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes = bytes.dropFirst(3) }
    if bytes.last == UInt8(ascii: "\r") { bytes = bytes.dropLast() }
    if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }), !isTooLong { return nil }
    if let form { return try row(bytes, form, isTooLong) }
    if bytes.first == UInt8(ascii: "{") {
      form = .ndjson
      return try row(bytes, .ndjson, isTooLong)
    }
    guard !isTooLong else { throw .noHeader }
    form = .csv(try header(bytes))
    return nil
  }

  private func header(_ bytes: ArraySlice<UInt8>) throws(ManifestError) -> [ManifestColumn] {
    guard let names = CSVLine.fields(bytes) else { throw .noHeader }
    var columns: [ManifestColumn] = []
    for name in names {
      guard let column = ManifestColumn(rawValue: name.lowercased()) else { throw .columnUnknown(name) }
      guard !columns.contains(column) else { throw .columnTwice(column) }
      columns.append(column)
    }
    guard columns.contains(.hardware) else { throw .columnMissing(.hardware) }
    guard columns.contains(.deviceID) || naming != nil else { throw .columnMissing(.deviceID) }
    return columns
  }

  // MARK: - A row

  private mutating func row(
    _ bytes: ArraySlice<UInt8>, _ form: Form, _ isTooLong: Bool
  ) throws(ManifestError) -> ManifestLine {
    rows += 1
    var cells = ManifestCells()
    let row: ManifestRow
    do throws(RowFault) {
      guard !isTooLong else { throw .tooLong }
      switch form {
      case .csv(let columns): try cells.read(bytes, columns)
      case .ndjson: try cells.read(bytes)
      }
      row = try cells.row(line: line, number: rows, naming: naming)
    } catch {
      return fault(error, cells)
    }
    return try repetition(row).map { fault($0, cells) } ?? .row(row)
  }

  private func fault(_ fault: RowFault, _ cells: ManifestCells) -> ManifestLine {
    .fault(ManifestFault(line: line, code: fault.code, reason: fault.description, cells: cells))
  }

  /// The fault of a row whose names were there before.
  private func repetition(_ row: ManifestRow) throws(ManifestError) -> RowFault? {
    do {
      guard try isNew(fingerprint(0, row.hardware.description)) else { return .hardwareTwice(row.hardware) }
      return try isNew(fingerprint(1, row.deviceID.folded)) ? nil : .deviceIDTwice(row.deviceID)
    } catch {
      throw .notRemembered("\(error)")
    }
  }

  private func fingerprint(_ column: UInt8, _ name: String) -> Int {
    var hasher = Hasher()
    hasher.combine(column)
    hasher.combine(name)
    return hasher.finalize()
  }
}

/// One line of CSV.
enum CSVLine {
  static let fieldLimit = 32

  /// nil where a quote is left open, stands inside a plain field, or is followed by more; or where a text is not UTF-8.
  static func fields(_ line: ArraySlice<UInt8>) -> [String]? {
    var fields: [String] = []
    var rest = line
    while true {
      guard fields.count < fieldLimit, let field = field(&rest), let text = String(validating: field, as: UTF8.self)
      else { return nil }
      fields.append(text)
      guard rest.first == UInt8(ascii: ",") else { return rest.isEmpty ? fields : nil }
      rest = rest.dropFirst()
    }
  }

  private static func field(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
    guard rest.first == UInt8(ascii: "\"") else {
      let field = rest.prefix { $0 != UInt8(ascii: ",") }
      rest = rest[field.endIndex...]
      return field.contains(UInt8(ascii: "\"")) ? nil : Array(field)
    }
    var field: [UInt8] = []
    rest = rest.dropFirst()
    while let quote = rest.firstIndex(of: UInt8(ascii: "\"")) {
      field += rest[..<quote]
      rest = rest[(quote + 1)...]
      guard rest.first == UInt8(ascii: "\"") else { return field }
      field.append(UInt8(ascii: "\""))
      rest = rest.dropFirst()
    }
    return nil
  }

  /// A field as it is written, quoted where it must be. By scalars: a quote is one whatever mark combines with it.
  static func text(_ field: String) -> String {
    guard field.utf8.contains(where: { "\",\r\n".utf8.contains($0) }) else { return field }
    return "\"" + field.unicodeScalars.reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) } + "\""
  }
}
