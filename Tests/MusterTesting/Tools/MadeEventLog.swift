import Crypto

/// A firmware's event log (TCG PC Client Platform Firmware Profile §10) put together by hand, as no firmware would make some
/// of them. Numbers are least significant byte first.
package struct MadeEventLog: Sendable {
  package typealias Bank = (hash: UInt16, size: UInt16)

  package struct Event: Sendable {
    package var register: UInt32
    package var type: UInt32
    package var data: [UInt8]
    /// What is hashed; most events hash their data.
    package var measured: [UInt8]?
    package var banks: [UInt16] = [4, 0x0b]
    package var count: UInt32?

    package init(_ register: UInt32, _ type: UInt32, _ data: [UInt8], measured: [UInt8]? = nil) {
      self.register = register
      self.type = type
      self.data = data
      self.measured = measured
    }

    package func digest(_ hash: UInt16) -> [UInt8] {
      switch hash {
      case 4: Array(Insecure.SHA1.hash(data: measured ?? data))
      case 0x0c: Array(SHA384.hash(data: measured ?? data))
      default: Array(SHA256.hash(data: measured ?? data))
      }
    }

    package var bytes: [UInt8] {
      number(register, 4) + number(type, 4) + number(count ?? UInt32(banks.count), 4)
        + banks.flatMap { number(UInt32($0), 2) + digest($0) } + number(UInt32(data.count), 4) + data
    }
  }

  package static let separator: UInt32 = 4
  package static let noAction: UInt32 = 3
  package static let driverConfig: UInt32 = 0x8000_0001
  package static let action: UInt32 = 0x8000_0007
  /// EFI_GLOBAL_VARIABLE.
  package static let global: [UInt8] = [
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c,
  ]

  package var banks: [Bank] = [(4, 20), (0x0b, 32)]
  package var bankCount: UInt32?
  package var signature = Array("Spec ID Event03\0".utf8)
  package var events: [Event]

  package init(_ events: [Event]) { self.events = events }

  /// As a PC's firmware measures a start.
  package static func start(secureBoot: [UInt8] = [1]) -> MadeEventLog {
    MadeEventLog([
      Event(0, 8, Array("1.2.3".utf8)), Event(0, 0x8000_0008, [1, 2, 3], measured: [9]),
      Event(7, driverConfig, variable("SecureBoot", secureBoot)), Event(7, driverConfig, variable("PK", [5])),
      Event(7, separator, [0, 0, 0, 0]), Event(0, separator, [0, 0, 0, 0]),
      Event(4, action, Array("Calling EFI Application from Boot Option".utf8)),
    ])
  }

  /// UEFI_VARIABLE_DATA.
  package static func variable(_ name: String, _ value: [UInt8], vendor: [UInt8] = global) -> [UInt8] {
    let units = Array(name.utf16)
    return vendor + number(UInt32(units.count), 4) + number(0, 4) + number(UInt32(value.count), 4) + number(0, 4)
      + units.flatMap { number(UInt32($0), 2) } + value
  }

  package var header: [UInt8] {
    let named = banks.flatMap { number(UInt32($0.hash), 2) + number(UInt32($0.size), 2) }
    let data =
      signature + number(0, 4) + [0, 2, 0, 2] + number(bankCount ?? UInt32(banks.count), 4) + named + [0]
    return number(0, 4) + number(Self.noAction, 4) + [UInt8](repeating: 0, count: 20) + number(UInt32(data.count), 4)
      + data
  }

  package var bytes: [UInt8] { header + events.flatMap(\.bytes) }

  /// Of the SHA-256 bank, what the events leave in a register that begins with zeros.
  package func value(of register: UInt32) -> [UInt8] {
    events.filter { $0.register == register && $0.type != Self.noAction }.reduce([UInt8](repeating: 0, count: 32)) {
      Array(SHA256.hash(data: $0 + $1.digest(0x0b)))
    }
  }
}

private func number(_ value: UInt32, _ width: UInt32) -> [UInt8] {
  (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

extension SoftwareTPM {
  /// Measures what the log says, as the firmware would.
  package func extend(_ log: MadeEventLog) throws {
    for event in log.events where event.type != MadeEventLog.noAction {
      let digest = event.digest(0x0b).map { String(Int($0) + 0x100, radix: 16).dropFirst() }.joined()
      try run("tpm2_pcrextend \(event.register):sha256=\(digest)")
    }
  }

  /// The values of registers of the SHA-256 bank, one after the other.
  package func values(of registers: [Int]) throws -> [UInt8] {
    try run("tpm2_pcrread sha256:\(registers.map(String.init).joined(separator: ",")) -o values")
    return try folder.read("values")
  }
}
