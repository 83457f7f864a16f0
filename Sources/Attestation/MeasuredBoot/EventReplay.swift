/// The registers as a log's events leave them (TPM 2.0 Library part 3 §22.2, TPM2_PCR_Extend).
extension EventLog {
  /// Of the bank, those that the log tells of; nil where it does not tell of the bank.
  func replay(_ hash: TPMHash) -> [Int: [UInt8]]? {
    guard banks.contains(where: { $0.hash == hash.rawValue }) else { return nil }
    var registers: [Int: [UInt8]] = [:]
    var locality: UInt8 = 0
    for event in events {
      let register = Int(event.register)
      guard event.isMeasured, let digest = event.digest(hash) else {
        // Before the first measurement: it is where the register starts from.
        if register == 0, registers[0] == nil, let found = event.startupLocality { locality = found }
        continue
      }
      let before = registers[register] ?? EventLog.start(of: register, hash, locality)
      registers[register] = hash.hash(before + digest)
    }
    return registers
  }

  /// A register that nothing was measured into: zeros, or ones where only a measured launch sets it (TCG PC Client Platform
  /// TPM Profile §4.7). Register 0 says the locality of the TPM's start (Firmware Profile §10.4.5.3).
  static func start(of register: Int, _ hash: TPMHash, _ locality: UInt8 = 0) -> [UInt8] {
    var value = [UInt8](repeating: (17...22).contains(register) ? 0xff : 0, count: hash.size)
    if register == 0 { value[hash.size - 1] = locality }
    return value
  }
}

extension EventLog.Event {
  /// nil for any other event.
  fileprivate var startupLocality: UInt8? {
    let name = Array("StartupLocality\0".utf8)
    guard type == EventType.noAction, data.count == name.count + 1, data.starts(with: name) else { return nil }
    return data.last
  }
}
