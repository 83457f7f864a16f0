/// What a PC's firmware says it measured (TCG PC Client Platform Firmware Profile §10, the crypto-agile form), as it was
/// read. Nothing in it is true by itself: the registers that a TPM quoted say whether it is.
public struct EventLog: Sendable, Hashable {
  /// A hash by which each event was measured, and its size in bytes.
  public struct Bank: Sendable, Hashable {
    /// TPM_ALG_ID.
    public let hash: UInt16
    public let size: Int
  }

  /// TPMT_HA (TPM 2.0 Library part 2 §10.3.2).
  public struct Measurement: Sendable, Hashable {
    /// TPM_ALG_ID.
    public let hash: UInt16
    public let digest: [UInt8]
  }

  /// TCG_PCR_EVENT2 (§10.2.2).
  public struct Event: Sendable, Hashable {
    public let register: UInt32
    public let type: UInt32
    /// One of each bank.
    public let measurements: [Measurement]
    public let data: [UInt8]
  }

  /// In bytes: four times what firmware shall have room for (§10.1).
  public static let sizeLimit = 128 * 1024
  private static let bankLimit = 8
  static let registerCount = 24
  private static let signature = Array("Spec ID Event03\0".utf8)

  public let banks: [Bank]
  /// Without the first, which names the banks.
  public let events: [Event]

  /// Reads to the last byte: what stands behind the last event would not be looked at.
  init(_ bytes: [UInt8]) throws(MalformedTPM) {
    guard bytes.count <= EventLog.sizeLimit else {
      throw MalformedTPM(expected: "at most \(EventLog.sizeLimit) bytes of event log", found: "\(bytes.count)")
    }
    var reader = TPMReader(bytes[...], "the event log")
    banks = try EventLog.readBanks(&reader)
    var events: [Event] = []
    while !reader.isAtEnd { events.append(try Event(&reader, banks)) }
    self.events = events
  }

  /// The first event: TCG_PCR_EVENT (§10.2.1), as a log of SHA-1 has them, with TCG_EfiSpecIDEvent (§10.4.5.1).
  private static func readBanks(_ reader: inout TPMReader) throws(MalformedTPM) -> [Bank] {
    let register = try reader.little(4, "the first event's register")
    let type = try reader.little(4, "the first event's type")
    let digest = try reader.take(20, "the first event's digest")
    let data = try reader.take(Int(try reader.little(4, "the first event's size")), "the first event")
    guard register == 0, type == EventType.noAction, digest.allSatisfy({ $0 == 0 }), data.starts(with: signature) else {
      throw MalformedTPM(expected: "an event log that begins with Spec ID Event03", found: "another, or one of SHA-1")
    }
    var header = TPMReader(data.dropFirst(signature.count), "the Spec ID event")
    _ = try header.take(8, "the platform and the version")
    let count = try header.little(4, "the count of banks")
    guard (1...bankLimit).contains(Int(count)) else {
      throw MalformedTPM(expected: "1 to \(bankLimit) banks of the event log", found: "\(count)")
    }
    var banks: [Bank] = []
    for _ in 0..<count { banks.append(try readBank(&header, besides: banks)) }
    _ = try header.take(Int(try header.uint8("the vendor's size")), "the vendor's")
    try header.end()
    return banks
  }

  private static func readBank(_ header: inout TPMReader, besides others: [Bank]) throws(MalformedTPM) -> Bank {
    let bank = Bank(
      hash: UInt16(try header.little(2, "a bank's hash")), size: Int(try header.little(2, "a bank's size")))
    guard !others.contains(where: { $0.hash == bank.hash }) else {
      throw MalformedTPM(expected: "each bank of the event log once", found: "the hash \(bank.hash) twice")
    }
    guard TPMHash(rawValue: bank.hash).map({ $0.size == bank.size }) ?? (1...64).contains(bank.size) else {
      throw MalformedTPM(expected: "the size of the hash \(bank.hash)", found: "\(bank.size)")
    }
    return bank
  }
}

/// The types of events that are looked at (§10.4.1).
enum EventType {
  static let noAction: UInt32 = 0x0000_0003
  static let variableDriverConfig: UInt32 = 0x8000_0001
}

extension EventLog.Event {
  fileprivate init(_ reader: inout TPMReader, _ banks: [EventLog.Bank]) throws(MalformedTPM) {
    register = UInt32(try reader.little(4, "an event's register"))
    type = UInt32(try reader.little(4, "an event's type"))
    // What is measured into none may name none.
    guard register < EventLog.registerCount || type == EventType.noAction else {
      throw MalformedTPM(expected: "an event of one of \(EventLog.registerCount) registers", found: "\(register)")
    }
    let count = try reader.little(4, "an event's count of digests")
    guard count == banks.count else {
      throw MalformedTPM(expected: "an event's digest of each of \(banks.count) banks", found: "\(count)")
    }
    var measurements: [EventLog.Measurement] = []
    for _ in banks {
      let hash = UInt16(try reader.little(2, "a digest's hash"))
      guard let bank = banks.first(where: { $0.hash == hash }), !measurements.contains(where: { $0.hash == hash })
      else {
        throw MalformedTPM(expected: "an event's digest of each bank once", found: "another, of the hash \(hash)")
      }
      measurements.append(.init(hash: hash, digest: Array(try reader.take(bank.size, "a digest"))))
    }
    self.measurements = measurements
    data = Array(try reader.take(Int(try reader.little(4, "an event's size")), "an event"))
  }

  /// EV_NO_ACTION is said and not measured.
  var isMeasured: Bool { type != EventType.noAction }

  func digest(_ hash: TPMHash) -> [UInt8]? { measurements.first { $0.hash == hash.rawValue }?.digest }
}
