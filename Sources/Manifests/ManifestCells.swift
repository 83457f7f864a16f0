import Foundation
import MusterModel

/// Why a line is no board.
enum RowFault: Error {
  case tooLong
  case malformed
  case fieldCount(expected: Int, found: Int)
  case jsonMalformed
  case fieldUnknown(String)
  case noHardware
  case hardware(HardwareID.Refusal)
  case noDeviceID
  case deviceID
  case made(DeviceIDPattern)
  case group
  case request
  case tags
  case hardwareTwice(HardwareID)
  case deviceIDTwice(DeviceID)

  var code: String {
    switch self {
    case .tooLong: "line-too-long"
    case .malformed, .fieldCount, .jsonMalformed, .fieldUnknown: "line-malformed"
    case .noHardware: "hardware-missing"
    case .hardware: "hardware-id-malformed"
    case .noDeviceID: "device-id-missing"
    case .deviceID, .made: "device-id-malformed"
    case .group: "name-malformed"
    case .request: "csr-malformed"
    case .tags: "tags-malformed"
    case .hardwareTwice: "hardware-twice"
    case .deviceIDTwice: "device-id-twice"
    }
  }
}

extension RowFault: CustomStringConvertible {
  var description: String {
    switch self {
    case .tooLong: "expected a line of at most \(ManifestReader.lineLength) bytes, found a longer one"
    case .malformed: "expected fields in UTF-8 with a comma between, quotes closed on their line, found something else"
    case .fieldCount(let expected, let found): "expected \(expected) fields as in the header, found \(found)"
    case .jsonMalformed: "expected one JSON object of texts, each field once, found something else"
    case .fieldUnknown(let name): "expected fields of \(ManifestColumn.names), found \(excerpt(name, upTo: 64))"
    case .noHardware: "expected a hardware ID, found none"
    case .hardware(let refusal): refusal.description
    case .noDeviceID: "expected a device ID, found none; --device-id makes them"
    case .deviceID: "expected a device ID (\(DeviceID.rule)), found another text"
    case .made(let pattern):
      "expected \(excerpt(pattern.description)) to make a device ID (\(DeviceID.rule)), found it does not"
    case .group: "expected a group's name (\(RecordName.rule)), found another text"
    case .request:
      "expected a certificate request in base64 of at most \(ManifestRow.requestLimit) bytes, found another text"
    case .tags: "expected at most \(ManifestRow.tagLimit) tags as name=value with ; between, each name once"
    case .hardwareTwice(let id): "expected each hardware ID once, found \(id) a second time"
    case .deviceIDTwice(let id): "expected each device ID once, found \(id) a second time"
    }
  }
}

// MARK: - Reading

extension ManifestCells {
  mutating func read(_ line: ArraySlice<UInt8>, _ columns: [ManifestColumn]) throws(RowFault) {
    guard let fields = CSVLine.fields(line) else { throw .malformed }
    guard fields.count == columns.count else { throw .fieldCount(expected: columns.count, found: fields.count) }
    for (column, field) in zip(columns, fields) { set(column, field) }
  }

  mutating func read(_ line: ArraySlice<UInt8>) throws(RowFault) {
    guard let object = FlatObject(line) else { throw .jsonMalformed }
    for field in object.fields {
      guard let column = ManifestColumn(rawValue: field.name) else { throw .fieldUnknown(field.name) }
      guard case .text(let text) = field.value else { throw .jsonMalformed }
      set(column, text)
    }
  }

  private mutating func set(_ column: ManifestColumn, _ text: String) {
    switch column {
    case .hardware: hardware = text
    case .deviceID: deviceID = text
    case .group: group = text
    case .request: request = text
    case .tags: tags = text
    case .code, .reason: break
    }
  }

  // MARK: - Parsing

  /// `number` is the row's place among the rows.
  func row(line: Int, number: Int, naming: DeviceIDPattern?) throws(RowFault) -> ManifestRow {
    let id = try parsedHardware()
    return ManifestRow(
      line: line, hardware: id, deviceID: try parsedDeviceID(of: id, number, naming), group: try parsedGroup(),
      request: try parsedRequest(), tags: try parsedTags(), cells: self)
  }

  private func parsedHardware() throws(RowFault) -> HardwareID {
    guard !hardware.isEmpty else { throw .noHardware }
    switch HardwareID.parse(hardware) {
    case .success(let id): return id
    case .failure(let refusal): throw .hardware(refusal)
    }
  }

  /// A text with a place in it is a pattern; none is the naming's to make.
  private func parsedDeviceID(
    of hardware: HardwareID, _ number: Int, _ naming: DeviceIDPattern?
  ) throws(RowFault) -> DeviceID {
    if deviceID.isEmpty || deviceID.contains("{") {
      guard let pattern = deviceID.isEmpty ? naming : DeviceIDPattern(deviceID) else {
        throw deviceID.isEmpty ? .noDeviceID : .deviceID
      }
      guard let made = pattern.deviceID(for: hardware, number: number) else { throw .made(pattern) }
      return made
    }
    guard let id = DeviceID(deviceID) else { throw .deviceID }
    return id
  }

  private func parsedGroup() throws(RowFault) -> RecordName? {
    guard !group.isEmpty else { return nil }
    guard let name = RecordName(group) else { throw .group }
    return name
  }

  private func parsedRequest() throws(RowFault) -> [UInt8]? {
    guard !request.isEmpty else { return nil }
    guard let der = Data(base64Encoded: request), !der.isEmpty, der.count <= ManifestRow.requestLimit else {
      throw .request
    }
    return [UInt8](der)
  }

  private func parsedTags() throws(RowFault) -> [ManifestRow.Tag] {
    guard !tags.isEmpty else { return [] }
    let pairs = tags.split(separator: ";", omittingEmptySubsequences: false)
    guard pairs.count <= ManifestRow.tagLimit else { throw .tags }
    var found: [ManifestRow.Tag] = []
    for pair in pairs {
      guard let equals = pair.firstIndex(of: "="), let name = RecordName(pair[..<equals]) else { throw .tags }
      let value = pair[pair.index(after: equals)...]
      guard value.utf8.count <= 256, !found.contains(where: { $0.name == name.text }) else { throw .tags }
      found.append(ManifestRow.Tag(name: name.text, value: String(value)))
    }
    return found
  }
}
