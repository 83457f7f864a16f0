/// A TPM's word on its registers (TPM2_Quote, TPM 2.0 Library part 3 §18.4), and what stands in them. Nothing is checked yet.
public struct Quote: Sendable, Hashable {
  /// TPMS_ATTEST.
  public var info: [UInt8]
  /// TPMT_SIGNATURE.
  public var signature: [UInt8]
  /// The values of the registers, one after the other, in the order of the quote's selection.
  public var pcrValues: [UInt8]?
  /// The firmware's, in the crypto-agile form.
  public var eventLog: [UInt8]?

  public init(info: [UInt8], signature: [UInt8], pcrValues: [UInt8]? = nil, eventLog: [UInt8]? = nil) {
    self.info = info
    self.signature = signature
    self.pcrValues = pcrValues
    self.eventLog = eventLog
  }

  /// Holds the quote to the attestation key (TPM2B_PUBLIC) and to `nonce`, and what is shown of the registers to the quote.
  /// `boot` is nil where something is refused, or no register of the SHA-256 bank is shown.
  public func appraise(akPublic: [UInt8], nonce: [UInt8]) -> (appraisal: Appraisal, boot: MeasuredBoot?) {
    var appraisal = Appraisal()
    // The key's own lines are the certification's.
    var ofKey = Appraisal()
    let key = ofKey.readKey(akPublic, .attestation)
    guard let info = appraisal.read("quote", { () throws(MalformedTPM) in try TPMAttest(info) }) else {
      return (appraisal, nil)
    }
    appraisal.requireSignature(signature, by: key, over: info, "quote signature")
    appraisal.requireNonce(nonce, in: info, "quote nonce")
    guard case .quote(let selection, let digest) = info.attested else {
      appraisal.add("quote", .refused(code: "attest-type", "expected a quote, found the attestation of a key"))
      return (appraisal, nil)
    }
    let count = selection.reduce(0) { $0 + $1.registers.count }
    appraisal.require(
      count > 0, "quoted registers", "\(count)", else: "quote-empty",
      "expected at least one register, found none: such a quote proves nothing")
    guard appraisal.isAccepted, let hash = key?.signingScheme?.hash else { return (appraisal, nil) }
    let boot = appraisal.readRegisters(of: self, selection, digest, by: hash)
    return (appraisal, appraisal.isAccepted ? boot : nil)
  }
}

extension Appraisal {
  fileprivate mutating func readRegisters(
    of quote: Quote, _ selection: [TPMAttest.PCRSelection], _ digest: [UInt8], by hash: TPMHash
  ) -> MeasuredBoot? {
    var log: EventLog?
    if let bytes = quote.eventLog {
      guard let read = read("event log", { () throws(MalformedTPM) in try EventLog(bytes) }) else { return nil }
      log = read
    }
    guard let values = readValues(of: quote, selection, log) else { return nil }
    let code = quote.pcrValues == nil ? "event-log-wrong" : "pcr-values-wrong"
    require(
      values.digest(hash) == digest, "register values", "those that were quoted", else: code,
      "expected the registers that were quoted, found other values")
    guard isAccepted else { return nil }
    if let log { requireReplay(log, values) }
    guard let boot = MeasuredBoot(values, log) else { return nil }
    add("Secure Boot", boot.secureBoot.map { .holds($0 ? "on" : "off") } ?? .notShown)
    return boot
  }

  /// As they are shown, or as the log leaves them.
  private mutating func readValues(
    of quote: Quote, _ selection: [TPMAttest.PCRSelection], _ log: EventLog?
  ) -> RegisterValues? {
    if let shown = quote.pcrValues {
      return read("register values") { () throws(MalformedTPM) in try RegisterValues(shown, of: selection) }
    }
    guard let log else {
      add("register values", .notShown)
      return nil
    }
    return read("register values") { () throws(MalformedTPM) in try RegisterValues(log, of: selection) }
  }

  private mutating func requireReplay(_ log: EventLog, _ values: RegisterValues) {
    let told = values.told(by: log)
    let other = told.first { $0.entry.value != $0.replayed }?.entry
    let found = other.map { "another register \($0.register) of \($0.bank.name)" } ?? "none of them told of"
    require(
      other == nil && !told.isEmpty, "event log", "\(log.events.count) events, \(told.count) registers as they are",
      else: "event-log-wrong", "expected an event log that leaves the quoted registers as they are, found \(found)")
  }
}
