import MusterModel

/// Why a TPM's word is worth less than another's.
public enum TPMWeakness: Sendable, Hashable {
  /// Its firmware, or its key, is known by this advisory.
  case known(String)
  /// Its maker's firmware has known weaknesses, and the TPM shows which firmware it has to nobody: an attestation key
  /// that is outside the endorsement hierarchy signs another number (TPM 2.0 Library part 1 §36.7).
  case firmwareHidden

  /// As it is on record: the advisory's name, or `firmware-hidden`.
  public var name: String {
    switch self {
    case .known(let advisory): advisory
    case .firmwareHidden: "firmware-hidden"
    }
  }
}

/// The firmware of TPMs that is known to be weak, as `PKI/weak-firmware.txt` lists it.
public struct WeakFirmware: Sendable, Hashable {
  struct Entry: Sendable, Hashable {
    let vendor: String
    let versions: ClosedRange<UInt32>
    let advisory: String
  }

  public static let sizeLimit = 64 * 1024
  private static let roca = "CVE-2017-15361"

  let entries: [Entry]

  /// Reads a list: on each line the vendor's letters (TCG TPM Vendor ID Registry), the first and the last version that is
  /// weak, each `major.minor`, and the advisory's name; what follows `#` is a comment.
  public init(text: String) throws(WeakFirmwareError) {
    guard text.utf8.count <= Self.sizeLimit else { throw .tooLarge(text.utf8.count) }
    var entries: [Entry] = []
    for (index, line) in text.textLines.enumerated() {
      let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }.map(String.init)
      guard !words.isEmpty else { continue }
      guard words.count == 4, let first = Self.version(words[1]), let last = Self.version(words[2]), first <= last
      else {
        throw .line(index + 1)
      }
      entries.append(Entry(vendor: words[0], versions: first...last, advisory: words[3]))
    }
    self.entries = entries
  }

  /// `major.minor` as the upper half of TPMS_ATTEST's firmwareVersion has it (TPM_PT_FIRMWARE_VERSION_1).
  private static func version(_ text: String) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt16($0) }
    guard parts.count == 2, let major = parts[0], let minor = parts[1] else { return nil }
    return UInt32(major) << 16 | UInt32(minor)
  }

  /// The vendor is known by its certificate alone; a weak key by itself.
  func weakness(of shown: ShownTPM, _ certified: CertifiedKey, _ endorsement: Endorsement) -> TPMWeakness? {
    if shown.endorsementKey.isROCA { return .known(Self.roca) }
    guard let vendor = endorsement.certified?.make.vendor else { return nil }
    let known = entries.filter { $0.vendor == vendor }
    guard !known.isEmpty else { return nil }
    let inTheClear = [
      shown.attestationKey.qualifiedName(under: shown.endorsementKey), shown.attestationKey.qualifiedName(),
    ]
    guard inTheClear.contains(certified.qualifiedSigner) else { return .firmwareHidden }
    let version = UInt32(truncatingIfNeeded: certified.firmwareVersion >> 32)
    return known.first { $0.versions.contains(version) }.map { .known($0.advisory) }
  }
}

public enum WeakFirmwareError: Error, CustomStringConvertible, Sendable {
  case tooLarge(Int)
  case line(Int)

  public var description: String {
    switch self {
    case .tooLarge(let count):
      "weak-firmware.txt: expected at most \(WeakFirmware.sizeLimit) bytes, found \(count)"
    case .line(let line):
      "weak-firmware.txt:\(line): expected a vendor, two versions as 7.61 and an advisory, found something else"
    }
  }
}
