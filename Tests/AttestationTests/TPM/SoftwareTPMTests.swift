import Attestation
import MusterTesting
import Testing

@Suite(.enabled(if: SoftwareTPM.isThere, "needs swtpm and tpm2-tools"), .serialized)
struct SoftwareTPMTests {
  @Test(arguments: [
    ("rsa -g sha256 -s rsassa", "ecc256:ecdsa"), ("ecc -g sha256 -s ecdsa", "ecc256"),
    ("rsa -g sha256 -s rsassa", "rsa2048:rsassa"),
  ])
  func `a TPM's certification and quote hold, and for another nonce they do not`(
    attestationKey: String, deviceKey: String
  ) throws {
    let tpm = try SoftwareTPM()
    try tpm.makeKeys(attestationKey: attestationKey, deviceKey: deviceKey)
    let (info, signature) = try tpm.certify(nonce: MadeTPM.nonce)
    let attestation = KeyAttestation(
      akPublic: try tpm.folder.read("ak.pub"), keyPublic: try tpm.folder.read("key.pub"), certifyInfo: info,
      certifySignature: signature)
    let found = attestation.appraise(nonce: MadeTPM.nonce)
    #expect(found.appraisal.isAccepted && found.key != nil, "\(found.appraisal.codes)")
    #expect(attestation.appraise(nonce: Array(MadeTPM.nonce.reversed())).appraisal.codes == ["nonce-wrong"])

    let log = MadeEventLog.start()
    try tpm.extend(log)
    let made = try tpm.quote(nonce: MadeTPM.nonce)
    var quote = Quote(
      info: made.info, signature: made.signature, pcrValues: try tpm.values(of: [0, 7]), eventLog: log.bytes)
    let boot = quote.appraise(akPublic: attestation.akPublic, nonce: MadeTPM.nonce)
    #expect(boot.appraisal.codes == [] && boot.boot?.secureBoot == true && boot.boot?.values.keys.sorted() == [0, 7])
    quote.eventLog = MadeEventLog.start(secureBoot: [0]).bytes
    #expect(
      quote.appraise(akPublic: attestation.akPublic, nonce: MadeTPM.nonce).appraisal.codes == ["event-log-wrong"])
    // The attestation key's own public area as the device's: it signs the TPM's structures alone.
    var posed = attestation
    posed.keyPublic = attestation.akPublic
    #expect(posed.appraise(nonce: MadeTPM.nonce).appraisal.codes.contains(TPMKeyRule.unrestricted.rawValue))

    var endorsement = Appraisal()
    endorsement.appraise(ekPublic: try tpm.folder.read("ek.pub"), isCertified: false, as: nil)
    #expect(endorsement.isAccepted, "\(endorsement.codes)")
  }
}
