package import MusterModel

/// Under what a TPM gives a secret back: what the machine measured into PCRs (bank of SHA-256), a PIN, or both.
public struct TPMSealPolicy: Sendable, Hashable {
  /// TPMS_PCR_SELECTION's bitmap of PCRs 0 to 23; zero for none.
  private let pcrs: [UInt8]
  public let asksPIN: Bool
  package static let size = 4

  /// nil for a PCR beyond 23, and for neither PCRs nor a PIN: that would be given to anyone.
  public init?(pcrs: Set<Int>, asksPIN: Bool) {
    guard pcrs.allSatisfy((0..<24).contains), asksPIN || !pcrs.isEmpty else { return nil }
    var bitmap: [UInt8] = [0, 0, 0]
    for pcr in pcrs { bitmap[pcr / 8] |= 1 << UInt8(pcr % 8) }
    self.pcrs = bitmap
    self.asksPIN = asksPIN
  }

  package init?(bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == TPMSealPolicy.size, bytes[3] <= 1, bytes.contains(where: { $0 != 0 }) else { return nil }
    (pcrs, asksPIN) = (Array(bytes[..<3]), bytes[3] == 1)
  }

  package var bytes: [UInt8] { pcrs + [asksPIN ? 1 : 0] }

  var asksPCRs: Bool { pcrs != [0, 0, 0] }

  /// TPML_PCR_SELECTION.
  var selection: [UInt8] { be(1 as UInt32) + [0x00, 0x0b, 3] + pcrs }
}

extension TPMConnection {
  /// Seals bytes in an object under `parent`, to be loaded again from its blob. `pin` is its authorisation.
  package func seal(
    _ secret: SecretBytes, under parent: Loaded, _ policy: TPMSealPolicy, _ pin: [UInt8]?
  ) throws(TPMFailure) -> TPMKeyBlob {
    let digest = try digest(of: policy)
    let template = TPMTemplate.sealed(policy: digest, isGuessed: policy.asksPIN)
    let sensitive = sized(pin ?? []) + sized(secret.withUnsafeBytes(Array.init))
    var response = try send(
      TPMCommand(
        code: .create, handles: [parent.handle], authorizations: [.emptyPassword],
        parameters: sized(sensitive) + sized(template) + [0, 0] + [0, 0, 0, 0]))
    return TPMKeyBlob(privatePart: try response.whole(), publicArea: try response.whole())
  }

  package func unseal(
    _ object: Loaded, _ policy: TPMSealPolicy, _ pin: [UInt8]?
  ) throws(TPMFailure) -> SecretBytes {
    let session = try self.session(.policy)
    try state(policy, in: session)
    var response = try send(
      TPMCommand(
        code: .unseal, handles: [object.handle], authorizations: [.session(session, password: pin ?? [])]))
    flushed(session)
    return SecretBytes(copying: try response.sizedBytes())
  }

  /// What the TPM comes to when the policy holds, with its registers as they are now.
  private func digest(of policy: TPMSealPolicy) throws(TPMFailure) -> [UInt8] {
    let session = try self.session(.trial)
    try state(policy, in: session)
    var response = try send(TPMCommand(code: .policyGetDigest, handles: [session]))
    let digest = try response.sizedBytes()
    try forget(session)
    return digest
  }

  /// The registers first: where they changed, no PIN is used up.
  private func state(_ policy: TPMSealPolicy, in session: UInt32) throws(TPMFailure) {
    if policy.asksPCRs {
      _ = try send(TPMCommand(code: .policyPCR, handles: [session], parameters: [0, 0] + policy.selection))
    }
    if policy.asksPIN { _ = try send(TPMCommand(code: .policyPassword, handles: [session])) }
  }

  /// Throws where it is locked, or the next wrong PIN would lock it (TPM_PT_LOCKOUT_COUNTER, TPM_PT_MAX_AUTH_FAIL).
  package func expectTakesWrongPIN() throws(TPMFailure) {
    let counter = try property(0x20e)
    let most = try property(0x20f)
    guard most == 0 || counter + 1 < most else { throw .locked }
  }

  /// TPM2_GetCapability of one property.
  private func property(_ property: UInt32) throws(TPMFailure) -> Int {
    var response = try send(
      TPMCommand(code: .getCapability, parameters: be(6 as UInt32) + be(property) + be(1 as UInt32)))
    _ = try response.number(1)
    guard try response.number(4) == 6, try response.number(4) == 1, try response.number(4) == Int(property) else {
      throw TPMFailure("expected a property of the TPM, found another")
    }
    return try response.number(4)
  }
}
