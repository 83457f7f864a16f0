import Foundation
import MusterModel

/// What a board says of itself, where Linux has it.
enum BoardSerial {
  /// In this order: a device tree's serial number, the CPU's, the DMI's UUID. Values that makers leave in many boards are
  /// passed over.
  static func all() -> [HardwareID] {
    let texts =
      ["/proc/device-tree/serial-number", "/sys/firmware/devicetree/base/serial-number"].compactMap(read)
      .map { "cpu-serial:\($0)" } + [cpuSerial].compactMap(\.self).map { "cpu-serial:\($0)" }
      + ["/sys/class/dmi/id/product_uuid"].compactMap(read).map { "dmi-uuid:\($0.lowercased())" }
    var seen: Set<HardwareID> = []
    return texts.compactMap { try? HardwareID.parse($0).get() }.filter { seen.insert($0).inserted }
  }

  private static func read(_ path: String) -> String? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    let text = String(decoding: data.prefix { $0 != 0 }, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return text.isEmpty ? nil : text
  }

  private static var cpuSerial: String? {
    read("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("Serial") }?.split(separator: ":").last
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
