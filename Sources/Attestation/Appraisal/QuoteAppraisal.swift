/// A TPM's word on its registers (TPM2_Quote, TPM 2.0 Library part 3 §18.4). Nothing is checked yet.
public struct Quote: Sendable, Hashable {
  /// TPMS_ATTEST.
  public var info: [UInt8]
  /// TPMT_SIGNATURE.
  public var signature: [UInt8]

  public init(info: [UInt8], signature: [UInt8]) {
    self.info = info
    self.signature = signature
  }

  /// Holds the quote to the attestation key (TPM2B_PUBLIC) and to `nonce`.
  public func appraise(akPublic: [UInt8], nonce: [UInt8]) -> Appraisal {
    var appraisal = Appraisal()
    // The key's own lines are the certification's.
    var ofKey = Appraisal()
    let key = ofKey.readKey(akPublic, .attestation)
    guard let info = appraisal.read("quote", { () throws(MalformedTPM) in try TPMAttest(info) }) else {
      return appraisal
    }
    appraisal.requireSignature(signature, by: key, over: info, "quote signature")
    appraisal.requireNonce(nonce, in: info, "quote nonce")
    guard case .quote(let selection, _) = info.attested else {
      appraisal.add("quote", .refused(code: "attest-type", "expected a quote, found the attestation of a key"))
      return appraisal
    }
    let count = selection.reduce(0) { $0 + $1.registers.count }
    appraisal.require(
      count > 0, "quoted registers", "\(count)", else: "quote-empty",
      "expected at least one register, found none: such a quote proves nothing")
    return appraisal
  }
}
