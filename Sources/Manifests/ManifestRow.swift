public import MusterModel

/// One board of a manifest, read and sound.
public struct ManifestRow: Sendable, Hashable {
  /// The line it stands on, from 1.
  public let line: Int
  public let hardware: HardwareID
  public let deviceID: DeviceID
  public let group: RecordName?
  /// PKCS #10 in DER, where the board made its own key.
  public let request: [UInt8]?
  /// What the manifest says of the board beside: it goes with the device, and means nothing here.
  public let tags: [Tag]
  public let cells: ManifestCells

  init(
    line: Int, hardware: HardwareID, deviceID: DeviceID, group: RecordName?, request: [UInt8]?, tags: [Tag],
    cells: ManifestCells
  ) {
    self.line = line
    self.hardware = hardware
    self.deviceID = deviceID
    self.group = group
    self.request = request
    self.tags = tags
    self.cells = cells
  }

  /// A board that stands in no manifest.
  public init(hardware: HardwareID, deviceID: DeviceID) {
    var cells = ManifestCells()
    (cells.hardware, cells.deviceID) = (hardware.description, deviceID.text)
    self.init(line: 0, hardware: hardware, deviceID: deviceID, group: nil, request: nil, tags: [], cells: cells)
  }

  /// With the request that the board made.
  public func with(request: [UInt8]) -> ManifestRow {
    ManifestRow(
      line: line, hardware: hardware, deviceID: deviceID, group: group, request: request, tags: tags, cells: cells)
  }

  public struct Tag: Sendable, Hashable {
    public let name: String
    public let value: String
  }

  public static let tagLimit = 16
  public static let requestLimit = 8192
}

/// A row's texts as they were written.
public struct ManifestCells: Sendable, Hashable {
  public var hardware = ""
  public var deviceID = ""
  public var group = ""
  public var request = ""
  public var tags = ""

  public init() {}
}

/// A line that is no board, and why.
public struct ManifestFault: Sendable, Hashable {
  public let line: Int
  /// Stable, in kebab-case.
  public let code: String
  /// What was expected and what was found.
  public let reason: String
  /// As far as they could be told apart.
  public let cells: ManifestCells

  public init(line: Int, code: String, reason: String, cells: ManifestCells) {
    self.line = line
    self.code = code
    self.reason = reason
    self.cells = cells
  }
}

/// What a line of a manifest comes to.
public enum ManifestLine: Sendable, Hashable {
  case row(ManifestRow)
  case fault(ManifestFault)
}

/// Why a manifest as a whole cannot be read.
public enum ManifestError: Error, Sendable, Hashable, CustomStringConvertible {
  case noHeader
  case columnUnknown(String)
  case columnTwice(ManifestColumn)
  case columnMissing(ManifestColumn)
  case tooManyLines
  /// What was seen could not be kept; why.
  case notRemembered(String)

  public var description: String {
    switch self {
    case .noHeader: "expected a header such as hardware_id,device_id in the first line, found none that can be read"
    case .columnUnknown(let name):
      "expected columns of \(ManifestColumn.names), found \(excerpt(name, upTo: 64))"
    case .columnTwice(let column): "expected each column once, found \(column.rawValue) twice"
    case .columnMissing(let column): "expected a column \(column.rawValue), found none"
    case .tooManyLines: "expected at most \(ManifestReader.lineLimit) lines, found more"
    case .notRemembered(let why): "expected room for the names of the manifest, found: \(why)"
    }
  }
}

/// The columns that a manifest may have, in any order. `code` and `reason` are there in a file of refused rows, which is
/// a manifest itself: they are not read.
public enum ManifestColumn: String, Sendable, CaseIterable {
  case hardware = "hardware_id"
  case deviceID = "device_id"
  case group
  case request = "csr"
  case tags
  case code
  case reason

  static let names = allCases.map(\.rawValue).joined(separator: ", ")
}
