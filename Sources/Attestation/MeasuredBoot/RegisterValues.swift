/// The values of the registers that a quote is over, in the order in which TPM2_Quote hashes them: bank by bank as its
/// selection names them, rising in each (TPM 2.0 Library part 1 §17.5).
struct RegisterValues: Sendable, Hashable {
  struct Entry: Sendable, Hashable {
    let bank: TPMHash
    let register: Int
    let value: [UInt8]
  }

  let entries: [Entry]

  /// Of values that stand one after the other.
  init(_ bytes: [UInt8], of selection: [TPMAttest.PCRSelection]) throws(MalformedTPM) {
    var reader = TPMReader(bytes[...], "pcrValues")
    entries = try RegisterValues.each(of: selection) { (bank, _) throws(MalformedTPM) in
      Array(try reader.take(bank.size, "a register"))
    }
    try reader.end()
  }

  /// Of what a log leaves in them.
  init(_ log: EventLog, of selection: [TPMAttest.PCRSelection]) throws(MalformedTPM) {
    var banks: [TPMHash: [Int: [UInt8]]] = [:]
    for bank in log.banks.compactMap({ TPMHash(rawValue: $0.hash) }) { banks[bank] = log.replay(bank) }
    entries = try RegisterValues.each(of: selection) { (bank, register) throws(MalformedTPM) in
      guard let registers = banks[bank] else {
        throw MalformedTPM(expected: "an event log of each quoted bank, or pcrValues", found: "none of \(bank.name)")
      }
      return registers[register] ?? EventLog.start(of: register, bank)
    }
  }

  private static func each(
    of selection: [TPMAttest.PCRSelection], _ value: (TPMHash, Int) throws(MalformedTPM) -> [UInt8]
  ) throws(MalformedTPM) -> [Entry] {
    var entries: [Entry] = []
    for bank in selection where !bank.registers.isEmpty {
      guard let hash = TPMHash(rawValue: bank.hash) else {
        throw MalformedTPM(expected: "registers by SHA-1 or SHA-2", found: "the hash \(bank.hash)")
      }
      for register in bank.registers {
        entries.append(Entry(bank: hash, register: register, value: try value(hash, register)))
      }
    }
    return entries
  }

  /// As TPMS_QUOTE_INFO has it.
  func digest(_ hash: TPMHash) -> [UInt8] { hash.hash(entries.flatMap(\.value)) }

  /// Those that the log tells of, with what it leaves in them.
  func told(by log: EventLog) -> [(entry: Entry, replayed: [UInt8])] {
    var replays: [TPMHash: [Int: [UInt8]]] = [:]
    for bank in Set(entries.map(\.bank)) { replays[bank] = log.replay(bank) }
    return entries.compactMap { entry in replays[entry.bank]?[entry.register].map { (entry, $0) } }
  }
}
