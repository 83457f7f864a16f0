import Attestation
import Crypto
import MusterModel
import Testing

@Suite struct KeyAttestationTests {
  @Test func `an honest device's key is taken, with the key it is`() throws {
    let evidence = MadeTPM.Evidence()
    let (appraisal, key) = try evidence.appraise()
    #expect(appraisal.isAccepted && appraisal.codes.isEmpty)
    #expect(key?.subjectPublicKeyInfo == Array(evidence.deviceKey.key.publicKey.derRepresentation))
    #expect(key?.key.name == evidence.deviceKey.name)
  }

  /// What is done to the keys, and the one code that it is refused by.
  struct KeyAttack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: TPMKeyRule
    let spoil: @Sendable (inout MadeTPM.Evidence) -> Void
  }

  @Test(arguments: [
    KeyAttack(testDescription: "an AK that can leave its TPM", code: .fixedTPM) {
      $0.attestationKey.attributes.remove(.fixedTPM)
    },
    KeyAttack(testDescription: "an AK that can be moved", code: .fixedParent) {
      $0.attestationKey.attributes.remove(.fixedParent)
    },
    KeyAttack(testDescription: "an AK that can be duplicated", code: .fixedParent) {
      $0.attestationKey.attributes.insert(.encryptedDuplication)
    },
    KeyAttack(testDescription: "an AK that was imported", code: .madeInside) {
      $0.attestationKey.attributes.remove(.sensitiveDataOrigin)
    },
    KeyAttack(testDescription: "an AK that signs anything", code: .restricted) {
      $0.attestationKey.attributes.remove(.restricted)
    },
    KeyAttack(testDescription: "an AK that does not sign", code: .signs) { $0.attestationKey.attributes.remove(.sign) },
    KeyAttack(testDescription: "an AK that decrypts", code: .doesNotDecrypt) {
      $0.attestationKey.attributes.insert(.decrypt)
    },
    KeyAttack(testDescription: "a storage key as AK", code: .doesNotWrap) {
      $0.attestationKey.symmetric = MadeTPM.number(6, 2) + MadeTPM.number(128, 2) + MadeTPM.number(0x43, 2)
    },
    KeyAttack(testDescription: "an AK without a name", code: .hasName) { $0.attestationKey.nameAlgorithm = 0x10 },
    KeyAttack(testDescription: "an AK named by SHA-1", code: .hasName) { $0.attestationKey.nameAlgorithm = 4 },
    KeyAttack(testDescription: "an AK without a scheme", code: .scheme) {
      $0.attestationKey.scheme = MadeTPM.number(0x10, 2)
    },
    KeyAttack(testDescription: "an AK that signs by SHA-1", code: .scheme) {
      $0.attestationKey.scheme = MadeTPM.number(0x18, 2) + MadeTPM.number(4, 2)
    },
    KeyAttack(testDescription: "an AK that signs by ECDAA", code: .scheme) {
      $0.attestationKey.scheme = MadeTPM.number(0x1a, 2) + MadeTPM.number(0x0b, 2) + MadeTPM.number(0, 2)
    },
    KeyAttack(testDescription: "an AK on another curve", code: .kind) { $0.attestationKey.curve = 0x10 },
    KeyAttack(testDescription: "an AK off its curve", code: .kind) {
      $0.attestationKey.point = (x: Array(repeating: 1, count: 32), y: Array(repeating: 2, count: 32))
    },
    KeyAttack(testDescription: "a device key that can leave its TPM", code: .fixedTPM) {
      $0.deviceKey.attributes.remove(.fixedTPM)
    },
    KeyAttack(testDescription: "a device key that can be moved", code: .fixedParent) {
      $0.deviceKey.attributes.remove(.fixedParent)
    },
    KeyAttack(testDescription: "a device key that was imported", code: .madeInside) {
      $0.deviceKey.attributes.remove(.sensitiveDataOrigin)
    },
    KeyAttack(testDescription: "a device key that signs only the TPM's own", code: .unrestricted) {
      $0.deviceKey.attributes.insert(.restricted)
    },
    KeyAttack(testDescription: "a device key that does not sign", code: .signs) {
      $0.deviceKey.attributes.remove(.sign)
    },
    KeyAttack(testDescription: "a device key that decrypts", code: .doesNotDecrypt) {
      $0.deviceKey.attributes.insert(.decrypt)
    },
    KeyAttack(testDescription: "a storage key as device key", code: .doesNotWrap) {
      $0.deviceKey.symmetric = MadeTPM.number(6, 2) + MadeTPM.number(128, 2) + MadeTPM.number(0x43, 2)
    },
    KeyAttack(testDescription: "a device key that signs by SHA-1", code: .scheme) {
      $0.deviceKey.scheme = MadeTPM.number(0x18, 2) + MadeTPM.number(4, 2)
    },
  ])
  func `a key that is not what it must be is refused by its row of the table`(attack: KeyAttack) throws {
    var evidence = MadeTPM.Evidence()
    attack.spoil(&evidence)
    let (appraisal, key) = try evidence.appraise()
    #expect(appraisal.codes.contains(attack.code.rawValue) && key == nil)
  }

  @Test func `every row of the table is of some role, and every role has its rows`() {
    let used = Set(TPMKeyRole.allCases.flatMap(TPMKeyRule.rules))
    #expect(used == Set(TPMKeyRule.allCases))
  }

  /// What is done to the statement.
  struct StatementAttack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: String
    let spoil: @Sendable (inout MadeTPM.Evidence) throws -> Void
  }

  @Test(arguments: [
    StatementAttack(testDescription: "an AK of another TPM", code: "tpm-signature") { $0.signer = .attestation() },
    StatementAttack(testDescription: "a quote", code: "attest-type") {
      $0.info = MadeTPM.Attest.quote([1, 0, 0], nonce: MadeTPM.nonce).bytes
    },
    StatementAttack(testDescription: "another type", code: "evidence-unreadable") {
      var attest = MadeTPM.Attest.certify($0.deviceKey.name, nonce: MadeTPM.nonce)
      attest.type = 0x801a
      $0.info = attest.bytes
    },
    StatementAttack(testDescription: "a structure that no TPM made", code: "evidence-unreadable") {
      var attest = MadeTPM.Attest.certify($0.deviceKey.name, nonce: MadeTPM.nonce)
      attest.magic = 0xff54_4348
      $0.info = attest.bytes
    },
    StatementAttack(testDescription: "a flag that is neither", code: "evidence-unreadable") {
      var attest = MadeTPM.Attest.certify($0.deviceKey.name, nonce: MadeTPM.nonce)
      attest.safe = 2
      $0.info = attest.bytes
    },
    StatementAttack(testDescription: "another nonce", code: "nonce-wrong") {
      $0.info = MadeTPM.Attest.certify($0.deviceKey.name, nonce: Array(2...33)).bytes
    },
    StatementAttack(testDescription: "the nonce and more", code: "nonce-wrong") {
      $0.info = MadeTPM.Attest.certify($0.deviceKey.name, nonce: MadeTPM.nonce + [0]).bytes
    },
    StatementAttack(testDescription: "no nonce", code: "nonce-wrong") {
      $0.info = MadeTPM.Attest.certify($0.deviceKey.name, nonce: []).bytes
    },
    StatementAttack(testDescription: "no nonce, where none was given", code: "nonce-short") {
      $0.nonce = []
      $0.info = MadeTPM.Attest.certify($0.deviceKey.name, nonce: []).bytes
    },
    StatementAttack(testDescription: "another key's name", code: "certified-name") {
      $0.info = MadeTPM.Attest.certify(MadeTPM.Key.device().name, nonce: MadeTPM.nonce).bytes
    },
    StatementAttack(testDescription: "an empty name", code: "certified-name") {
      $0.info = MadeTPM.Attest.certify([], nonce: MadeTPM.nonce).bytes
    },
    StatementAttack(testDescription: "a statement that is cut", code: "evidence-unreadable") {
      $0.info = MadeTPM.Attest.certify($0.deviceKey.name, nonce: MadeTPM.nonce).bytes.dropLast()
    },
    StatementAttack(testDescription: "a statement with more behind it", code: "evidence-unreadable") {
      $0.info = MadeTPM.Attest.certify($0.deviceKey.name, nonce: MadeTPM.nonce).bytes + [0]
    },
    StatementAttack(testDescription: "no signature", code: "evidence-unreadable") {
      $0.signature = MadeTPM.number(0x10, 2)
    },
    StatementAttack(testDescription: "a MAC", code: "evidence-unreadable") {
      $0.signature = MadeTPM.number(5, 2) + MadeTPM.number(0x0b, 2) + Array(repeating: 0, count: 32)
    },
    StatementAttack(testDescription: "a signature of zeros", code: "tpm-signature") {
      let zeros = MadeTPM.sized(Array(repeating: 0, count: 32))
      $0.signature = MadeTPM.number(0x18, 2) + MadeTPM.number(0x0b, 2) + zeros + zeros
    },
    StatementAttack(testDescription: "a signature of no bytes", code: "tpm-signature") {
      $0.signature = MadeTPM.number(0x18, 2) + MadeTPM.number(0x0b, 2) + MadeTPM.sized([]) + MadeTPM.sized([])
    },
    StatementAttack(testDescription: "a signature by another hash", code: "tpm-signature-scheme") {
      let info = MadeTPM.Attest.certify($0.deviceKey.name, nonce: MadeTPM.nonce).bytes
      var signature = try $0.attestationKey.sign(info)
      signature[3] = 0x0c
      ($0.info, $0.signature) = (info, signature)
    },
  ])
  func `a statement that is not the attestation key's on this key and time is refused`(
    attack: StatementAttack
  ) throws {
    var evidence = MadeTPM.Evidence()
    try attack.spoil(&evidence)
    let (appraisal, key) = try evidence.appraise()
    #expect(appraisal.codes.contains(attack.code) && key == nil)
  }

  @Test func `any bit of what was signed, changed, is refused`() throws {
    var evidence = MadeTPM.Evidence()
    let info = MadeTPM.Attest.certify(evidence.deviceKey.name, nonce: MadeTPM.nonce).bytes
    evidence.signature = try evidence.attestationKey.sign(info)
    for place in info.indices {
      for bit in 0..<8 {
        var changed = info
        changed[place] ^= 1 << UInt8(bit)
        evidence.info = changed
        #expect(try evidence.appraise().key == nil, "byte \(place), bit \(bit)")
      }
    }
  }

  @Test func `each structure cut at each byte is refused`() throws {
    let evidence = MadeTPM.Evidence()
    let info = MadeTPM.Attest.certify(evidence.deviceKey.name, nonce: MadeTPM.nonce).bytes
    let whole = KeyAttestation(
      akPublic: evidence.attestationKey.sizedArea, keyPublic: evidence.deviceKey.sizedArea, certifyInfo: info,
      certifySignature: try evidence.attestationKey.sign(info))
    #expect(whole.appraise(nonce: MadeTPM.nonce).key != nil)
    for member in [\KeyAttestation.akPublic, \.keyPublic, \.certifyInfo, \.certifySignature] {
      for count in whole[keyPath: member].indices {
        var cut = whole
        cut[keyPath: member] = Array(whole[keyPath: member].prefix(count))
        #expect(cut.appraise(nonce: MadeTPM.nonce).key == nil)
      }
    }
  }

  @Test func `a quote over registers counts, and over none proves nothing`() throws {
    let key = MadeTPM.Key.attestation()
    func codes(_ registers: [UInt8], nonce: [UInt8] = MadeTPM.nonce) throws -> [String] {
      let info = MadeTPM.Attest.quote(registers, nonce: nonce).bytes
      return Quote(info: info, signature: try key.sign(info))
        .appraise(akPublic: key.sizedArea, nonce: MadeTPM.nonce).appraisal.codes
    }
    #expect(try codes([0x80, 0, 0]) == [])
    #expect(try codes([0, 0, 0]) == ["quote-empty"])
    #expect(try codes([1, 0, 0], nonce: []) == ["nonce-wrong"])
    let certification = MadeTPM.Attest.certify(key.name, nonce: MadeTPM.nonce).bytes
    let posed = Quote(info: certification, signature: try key.sign(certification))
    #expect(posed.appraise(akPublic: key.sizedArea, nonce: MadeTPM.nonce).appraisal.codes == ["attest-type"])
  }

  @Test func `an endorsement key is one that decrypts alone, and its certificate's`() throws {
    var appraisal = Appraisal()
    appraisal.appraise(ekPublic: MadeTPM.Key.endorsement().sizedArea, isCertified: false, as: nil)
    #expect(appraisal.isAccepted)
    appraisal.appraise(ekPublic: MadeTPM.Key.endorsement().sizedArea, isCertified: true, as: nil)
    #expect(appraisal.codes == ["ek-other-key"])
    var signing = MadeTPM.Key.endorsement()
    signing.attributes.insert(.sign)
    appraisal.appraise(ekPublic: signing.sizedArea, isCertified: false, as: nil)
    #expect(appraisal.codes == ["ek-other-key", TPMKeyRule.doesNotSign.rawValue])
  }
}
