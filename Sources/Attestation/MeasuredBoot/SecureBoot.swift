/// UEFI_VARIABLE_DATA (TCG PC Client Platform Firmware Profile §10.2.6): a variable of the firmware as it was measured.
struct UEFIVariable: Sendable, Hashable {
  /// EFI_GLOBAL_VARIABLE, 8be4df61-93ca-11d2-aa0d-00e098032b8c (UEFI §3.3).
  static let global: [UInt8] = [
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c,
  ]

  let vendor: [UInt8]
  let name: String
  let value: [UInt8]

  init(_ bytes: [UInt8]) throws(MalformedTPM) {
    var reader = TPMReader(bytes[...], "UEFI_VARIABLE_DATA")
    vendor = Array(try reader.take(16, "the vendor"))
    let nameSize = try reader.little(8, "the name's size")
    let size = try reader.little(8, "the value's size")
    guard nameSize <= 256, size <= EventLog.sizeLimit else {
      throw MalformedTPM(expected: "a variable that a log has room for", found: "\(nameSize) and \(size) bytes")
    }
    let units = Array(try reader.take(2 * Int(nameSize), "the name"))
    name = String(
      decoding: units.indices.filter { $0.isMultiple(of: 2) }.map { UInt16(units[$0]) | UInt16(units[$0 + 1]) << 8 },
      as: UTF16.self)
    value = Array(try reader.take(Int(size), "the value"))
    try reader.end()
  }
}

extension EventLog {
  /// Whether Secure Boot was on, where the log shows it: by the first event of register 7 (Firmware Profile §3.3.4.8), for
  /// the firmware measures that before it starts any program. An event's type is not measured, so that a program could
  /// give another event that name later; and the bytes are those that were measured only where they hash to the digest.
  /// To be asked of a log whose replay is the quoted register alone.
  func secureBoot(_ hash: TPMHash) -> Bool? {
    guard let event = events.first(where: { $0.isMeasured && $0.register == 7 }),
      event.type == EventType.variableDriverConfig, event.digest(hash) == hash.hash(event.data),
      let variable = try? UEFIVariable(event.data), variable.vendor == UEFIVariable.global,
      variable.name == "SecureBoot"
    else { return nil }
    switch variable.value {
    case [1]: return true
    // Firmware that has no such variable measures an empty one.
    case [0], []: return false
    default: return nil
    }
  }
}
