import Manifests
import MusterModel
import Synchronization

let manifestTargets = [
  FuzzTarget("manifest", upTo: 4096, manifest),
  FuzzTarget("flat-object", upTo: 1024, flatObject),
  FuzzTarget("device-id-pattern", upTo: 512, pattern),
]

/// However the bytes are cut into pieces, the same comes of them; no row is lost and none is there twice; what is
/// refused is a manifest again.
@Sendable private func manifest(_ bytes: [UInt8]) throws -> Bool {
  let naming = DeviceIDPattern("pump-{n:06}")
  return try takes(orRefusesBy: ManifestError.self) {
    var reader = ManifestReader(naming: naming, isNew: SeenNames().insert)
    let lines = try reader.read(bytes) + [reader.finish()].compactMap(\.self)
    for size in [1, 7] { try require(try read(bytes, by: size, naming) == lines, "expected the same by \(size) bytes") }
    var refused = RefusedRows.header
    var (hardware, deviceIDs): (Set<HardwareID>, Set<String>) = ([], [])
    for line in lines {
      switch line {
      case .row(let row):
        try require(hardware.insert(row.hardware).inserted, "expected each hardware ID once")
        try require(deviceIDs.insert(row.deviceID.folded).inserted, "expected each device ID once")
        try require(row.tags.count <= ManifestRow.tagLimit, "expected few tags")
        refused += RefusedRows.line(row.cells, code: "code", reason: "a, \"reason\"")
      case .fault(let fault): try requirePlain(fault.reason)
      }
    }
    var again = ManifestReader(naming: naming, isNew: SeenNames().insert)
    let rows = try again.read(Array(refused.utf8)).count
    try require(rows == hardware.count, "expected \(hardware.count) refused rows to be read again, found \(rows)")
  }
}

private func read(_ bytes: [UInt8], by size: Int, _ naming: DeviceIDPattern?) throws -> [ManifestLine] {
  var reader = ManifestReader(naming: naming, isNew: SeenNames().insert)
  var lines: [ManifestLine] = []
  for start in stride(from: 0, to: bytes.count, by: size) {
    lines += try reader.read(bytes[start..<min(start + size, bytes.count)])
  }
  return lines + [try reader.finish()].compactMap(\.self)
}

/// What reads has each name once, and few of them.
@Sendable private func flatObject(_ bytes: [UInt8]) throws -> Bool {
  guard let object = FlatObject(bytes) else { return false }
  try require(Set(object.fields.map(\.name)).count == object.fields.count, "expected each name once")
  try require(object.fields.count <= FlatObject.fieldLimit, "expected few fields")
  return true
}

/// A pattern, a newline, a hardware ID: what is made is a device ID, and the same for the same.
@Sendable private func pattern(_ bytes: [UInt8]) throws -> Bool {
  let lines = text(bytes).split(separator: "\n", maxSplits: 1)
  guard lines.count == 2, let pattern = DeviceIDPattern(lines[0]), let id = try? HardwareID.parse(lines[1]).get()
  else { return false }
  let made = pattern.deviceID(for: id, number: 7)
  try require(pattern.deviceID(for: id, number: 7) == made, "expected the same for the same")
  if let made { try require(DeviceID(made.text) == made, "expected a device ID") }
  return true
}

/// Which names were there before.
private final class SeenNames: Sendable {
  private let names = Mutex<Set<Int>>([])

  @Sendable func insert(_ name: Int) -> Bool { names.withLock { $0.insert(name).inserted } }
}
