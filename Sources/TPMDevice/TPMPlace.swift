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
  public let description: String

  init(_ description: String) { self.description = description }

  /// `code` is a TPM_RC (TPM 2.0 Library part 2 §6.6) or a TSS2_RC.
  init(_ what: String, code: UInt32) {
    let hint =
      switch code & 0xfff {
      case 0x921: ": it is locked out, wait or have its owner lift it"
      case 0x98e, 0x9a2: ": its owner set a password, name its file: --owner-auth, --endorsement-auth"
      case 0x100: ": it was not started"
      case 0x902, 0x903: ": others have filled its memory, use device:/dev/tpmrm0"
      default: ""
      }
    self.init("expected the TPM to \(what), found its code 0x\(String(code, radix: 16))\(hint)")
  }
}
