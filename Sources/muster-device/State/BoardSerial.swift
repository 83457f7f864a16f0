import Foundation
import MusterModel

/// What a board says of itself, where Linux has it.
enum BoardSerial {
  /// In this order: a device tree's serial number, the CPU's, the DMI's UUID. Values that makers leave in many boards are
  /// passed over.
  /// `root` is where Linux has its own files.
  static func all(under root: String = "") -> [HardwareID] {
    let trees = ["/proc/device-tree/serial-number", "/sys/firmware/devicetree/base/serial-number"]
    let texts =
      trees.compactMap { read(root + $0) }.map { "cpu-serial:\($0)" }
      + [cpuSerial(root)].compactMap(\.self).map { "cpu-serial:\($0)" }
      + [read(root + "/sys/class/dmi/id/product_uuid")].compactMap(\.self).map { "dmi-uuid:\($0.lowercased())" }
    var seen: Set<HardwareID> = []
    return texts.compactMap { try? HardwareID.parse($0).get() }.filter { seen.insert($0).inserted }
  }

  private static func read(_ path: String) -> String? {
    guard let bytes = try? StateFolder.read(path) else { return nil }
    let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return text.isEmpty ? nil : text
  }

  private static func cpuSerial(_ root: String) -> String? {
    read(root + "/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("Serial") }?.split(separator: ":").last
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
