/// Where a TPM is, in libtss2's own words: `device:/dev/tpmrm0`, `tabrmd`, or `swtpm:host=127.0.0.1,port=2321`.
public struct TPMPlace: Sendable, Hashable, CustomStringConvertible {
  public let description: String

  /// nil for a way that is none of the three: another would load a library of the caller's choice.
  public init?(_ text: String) {
    let isKnown = text.hasPrefix("device:/") || text == "tabrmd" || text.hasPrefix("swtpm:")
    guard isKnown, text.utf8.count <= 256, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
    description = text
  }

  /// Where Linux leaves what the firmware measured into this TPM; nil where it says nothing of it.
  public var eventLog: String? {
    let device = description.split(separator: "/").last.map(String.init) ?? ""
    let number = description == "tabrmd" ? "0" : device.drop { !$0.isNumber }
    guard description == "tabrmd" || description.hasPrefix("device:/dev/tpm"), !number.isEmpty else { return nil }
    return "/sys/kernel/security/tpm\(number)/binary_bios_measurements"
  }
}

/// The passwords of a TPM's hierarchies, where its owner set some (TPM 2.0 Library part 1 §13).
public struct TPMHierarchyPasswords: Sendable {
  let owner: [UInt8]
  let endorsement: [UInt8]

  public init(owner: [UInt8] = [], endorsement: [UInt8] = []) {
    self.owner = owner
    self.endorsement = endorsement
  }
}

/// What the TPM, or the way to it, did not do.
public struct TPMFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// What can be made of it.
  package enum Kind: Sendable, Hashable {
    /// No TPM answers, or it was not started.
    case away
    case locked
    /// Of what is opened with a PIN.
    case wrongPIN
    /// The registers are others than the policy says.
    case registers
    /// It cannot read a blob, or a context, as its own.
    case otherTPM
    case other
  }

  package let kind: Kind
  /// Whether the same again may do: it is away, or waits until it takes passwords again.
  package var isPassing: Bool { kind == .away || kind == .locked }
  public let description: String

  init(_ description: String) {
    self.description = description
    kind = .away
  }

  /// Before it is asked.
  static let locked = TPMFailure(.unseal, response: 0x921)

  /// `response` is a TPM_RC (TPM 2.0 Library part 2 §6.6).
  init(_ command: TPMCommand.Code, response: UInt32) {
    kind =
      switch (command, response & 0xfff) {
      case (_, 0x921): .locked
      case (_, 0x100): .away
      case (.unseal, 0x98e): .wrongPIN
      case (.unseal, 0x99d), (.unseal, 0x128): .registers
      // TPM_RC_INTEGRITY and its like: a response code of format one.
      case (.load, let code) where code & 0x80 != 0, (.contextLoad, let code) where code & 0x80 != 0: .otherTPM
      default: .other
      }
    let hint =
      switch (command, response & 0xfff) {
      case (_, 0x921): ": it is locked out, wait or have its owner lift it"
      case (.unseal, 0x98e): ": the PIN is another"
      case (.unseal, 0x99d), (.unseal, 0x128): ": the machine measured something else than when it was sealed"
      case (_, 0x98e), (_, 0x9a2): ": its owner set a password, name its file: --owner-auth, --endorsement-auth"
      case (_, 0x100): ": it was not started"
      case (_, 0x902), (_, 0x903): ": others have filled its memory, use device:/dev/tpmrm0"
      default: ""
      }
    description = "expected the TPM to \(command.words), found its code 0x\(String(response, radix: 16))\(hint)"
  }
}
