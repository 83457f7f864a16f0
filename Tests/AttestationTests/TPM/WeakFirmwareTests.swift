@testable import Attestation
import Foundation
import MusterModel
import MusterTesting
import Testing

@Suite struct WeakFirmwareTests {
  /// The firmware that the shipped list names, and what it leaves alone.
  @Test func `the shipped list of weak firmware reads`() throws {
    let text = try String(contentsOf: Project.root.appending(path: "PKI/weak-firmware.txt"), encoding: .utf8)
    let entries = try WeakFirmware(text: text).entries
    func isWeak(_ vendor: String, _ major: UInt32, _ minor: UInt32) -> Bool {
      entries.contains { $0.vendor == vendor && $0.versions.contains(major << 16 | minor) }
    }
    #expect(isWeak("IFX", 7, 61) && !isWeak("IFX", 7, 62) && isWeak("IFX", 5, 0) && !isWeak("IFX", 5, 62))
    #expect(isWeak("IFX", 4, 33) && !isWeak("IFX", 4, 34) && isWeak("IFX", 133, 32) && !isWeak("STM", 7, 61))
  }

  @Test(arguments: [
    "IFX 7.0 7.61", "IFX 7.61 7.0 CVE-1", "IFX 7 8 CVE-1", "IFX 7.0 99999.1 CVE-1", "IFX 1.1 1.2 CVE 1",
  ])
  func `a broken list of weak firmware is refused whole, naming the line`(line: String) {
    let error = #expect(throws: WeakFirmwareError.self) { try WeakFirmware(text: "# a comment\n\n\(line)\n") }
    #expect(error?.description.hasPrefix("weak-firmware.txt:3: ") == true)
  }

  @Test(arguments: [
    ("id:49465800", "IFX"), ("id:53544D20", "STM"), ("id:4E544300", "NTC"), ("INTC", "INTC"), ("id:zz", "id:zz"),
  ])
  func `a vendor is known by its letters`(manufacturer: String, vendor: String) {
    #expect(TPMMake(manufacturer: manufacturer, model: nil, version: nil).vendor == vendor)
  }

  /// The number that it signs is not its version then.
  @Test func `a TPM of a listed vendor that hides its firmware is taken for weak`() throws {
    let (endorsementKey, attestationKey, key) = (
      MadeTPM.Key.endorsement(), MadeTPM.Key.attestation(), MadeTPM.Key.device()
    )
    let shown = try TPMEvidence(
      ekPublic: endorsementKey.sizedArea, akPublic: attestationKey.sizedArea, keyPublic: key.sizedArea
    ).appraise().get()
    let info = MadeTPM.Attest.certify(key.name, nonce: MadeTPM.nonce).bytes
    let attestation = KeyAttestation(
      akPublic: attestationKey.sizedArea, keyPublic: key.sizedArea, certifyInfo: info,
      certifySignature: try attestationKey.sign(info))
    let certified = try #require(attestation.appraise(nonce: MadeTPM.nonce).key)
    let weak = try WeakFirmware(text: "IFX 1.0 2.0 CVE-2099-1")
    func weakness(_ manufacturer: String) -> TPMWeakness? {
      let endorsed = EndorsedKey(
        hardware: shown.hardware, subjectPublicKeyInfo: [], certificate: .sha256([]), anchor: .sha256([]),
        make: TPMMake(manufacturer: manufacturer, model: nil, version: nil), isExpired: false)
      return weak.weakness(of: shown, certified, Endorsement(endorsed))
    }
    #expect(weakness("id:49465800") == .firmwareHidden && weakness("id:53544D20") == nil)
    #expect(weak.weakness(of: shown, certified, Endorsement(nil)) == nil)
  }
}
