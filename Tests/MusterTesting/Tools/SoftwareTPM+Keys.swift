import Foundation

extension SoftwareTPM {
  private static let endorsementHandle = "0x81010001"
  private static let attestationHandle = "0x81010002"
  private static let deviceHandle = "0x81010003"

  /// Makes an endorsement key, an attestation key and a device key, as a device does, and leaves them under handles of
  /// their own; their TPM2B_PUBLICs are `ek.pub`, `ak.pub` and `key.pub`. `endorsement` is tpm2_createek's kind.
  package func makeKeys(endorsement: String = "rsa", attestationKey: String, deviceKey: String) throws {
    try run("tpm2_createek -c \(Self.endorsementHandle) -G \(endorsement) -u ek.pub")
    try flush()
    try makeAttestationKey(attestationKey)
    try makeDeviceKey(deviceKey)
  }

  private func makeAttestationKey(_ kind: String) throws {
    try run("tpm2_createak -C \(Self.endorsementHandle) -c ak.ctx -G \(kind) -u ak.pub -n ak.name")
    try flush()
    try run("tpm2_evictcontrol -C o -c ak.ctx \(Self.attestationHandle)")
    try flush()
  }

  private func makeDeviceKey(_ kind: String) throws {
    try run("tpm2_createprimary -C o -G ecc -c owner.ctx")
    try flush()
    try run(
      "tpm2_create -C owner.ctx -G \(kind) -u key.pub -r key.priv "
        + "-a fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign")
    try flush()
    try run("tpm2_load -C owner.ctx -u key.pub -r key.priv -c key.ctx")
    try flush()
    try run("tpm2_evictcontrol -C o -c key.ctx \(Self.deviceHandle)")
    try flush()
  }

  /// TPM2_Certify of the device key by the attestation key. The tool gives no nonce, so the command is sent as its bytes
  /// (TPM 2.0 Library part 3 §18.2), each handle with an empty password. Gives TPMS_ATTEST and TPMT_SIGNATURE.
  package func certify(nonce: [UInt8]) throws -> (info: [UInt8], signature: [UInt8]) {
    let response = try TPMCommand.parameters(
      of: try exchange([
        TPMCommand.bytes(
          0x148, handles: [0x8101_0003, 0x8101_0002], parameters: TPMCommand.sized(nonce) + [0, 0x10])
      ])[0])
    let size = Int(response[0]) << 8 | Int(response[1])
    return (Array(response[2..<2 + size]), Array(response[(2 + size)...]))
  }

  /// TPM2_ActivateCredential by tpm2-tools, in a session that holds the endorsement key's policy; one of TCG's high range
  /// is used with its empty password. Gives the secret.
  package func activate(
    identity: [UInt8], encryptedSeed: [UInt8], withPassword: Bool = false
  ) throws -> [UInt8] {
    try folder.write([0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1] + identity + encryptedSeed, "credential")
    if withPassword {
      try run(
        "tpm2_activatecredential -c \(Self.attestationHandle) -C \(Self.endorsementHandle) -i credential -o secret")
      return try folder.read("secret")
    }
    try run("tpm2_startauthsession --policy-session -S session.ctx")
    defer { try? run("tpm2_flushcontext session.ctx") }
    try run("tpm2_policysecret -S session.ctx -c e")
    try run(
      "tpm2_activatecredential -c \(Self.attestationHandle) -C \(Self.endorsementHandle) -i credential -o secret "
        + "-P session:session.ctx")
    return try folder.read("secret")
  }

  /// TPM2_Quote over two registers: TPMS_ATTEST and TPMT_SIGNATURE.
  package func quote(nonce: [UInt8]) throws -> (info: [UInt8], signature: [UInt8]) {
    let digits = nonce.map { String(format: "%02x", $0) }.joined()
    try run("tpm2_quote -c \(Self.attestationHandle) -l sha256:0,7 -q \(digits) -m quote -s quote.sig -f tss")
    return (try folder.read("quote"), try folder.read("quote.sig"))
  }

  /// The endorsement key's SubjectPublicKeyInfo.
  package func endorsementPublicKey() throws -> [UInt8] {
    try run("tpm2_readpublic -c \(Self.endorsementHandle) -f der -o ek.der")
    return try folder.read("ek.der")
  }

  /// Leaves a certificate where its maker would: in the NV index of its endorsement key's (TCG EK Credential Profile §2.2.1.4
  /// and §2.2.1.5).
  package func store(certificate: [UInt8], ofRSA isRSA: Bool) throws {
    try store(certificate, at: isRSA ? "0x01c00002" : "0x01c0000a")
  }

  /// And those of its issuers (§2.2.1.5.2), one after the other, with filling behind them.
  package func store(issuers: [[UInt8]]) throws {
    try store(issuers.flatMap(\.self) + [0xff, 0xff, 0xff], at: "0x01c00100")
  }

  private func store(_ certificate: [UInt8], at index: String) throws {
    try folder.write(certificate, "ek.certificate")
    try run(
      "tpm2_nvdefine \(index) -C p -s \(certificate.count) "
        + "-a ppwrite|writedefine|ppread|ownerread|authread|no_da|platformcreate")
    try run("tpm2_nvwrite \(index) -C p -i ek.certificate")
  }

  /// A signature of the device key over `bytes`, by ECDSA with SHA-256: ECDSA-Sig-Value in DER.
  package func sign(_ bytes: [UInt8]) throws -> [UInt8] {
    try folder.write(bytes, "message")
    try run("tpm2_sign -c \(Self.deviceHandle) -g sha256 -s ecdsa -f plain -o signature message")
    return try folder.read("signature")
  }

  /// The device key's SubjectPublicKeyInfo.
  package func devicePublicKey() throws -> [UInt8] {
    try run("tpm2_readpublic -c \(Self.deviceHandle) -f der -o key.der")
    return try folder.read("key.der")
  }
}

/// TPM commands as their bytes.
package enum TPMCommand {
  private static func number(_ value: UInt32) -> [UInt8] {
    (0..<4).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
  }

  package static func sized(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes
  }

  /// A command in which each handle has an empty password (TPM 2.0 Library part 1 §18).
  package static func bytes(_ code: UInt32, handles: [UInt32], parameters: [UInt8]) -> [UInt8] {
    let password: [UInt8] = [0x40, 0, 0, 0x09, 0, 0, 0, 0, 0]
    let sessions = handles.flatMap { _ in password }
    let body = handles.flatMap(number) + number(UInt32(sessions.count)) + sessions + parameters
    return [0x80, 0x02] + number(UInt32(body.count + 10)) + number(code) + body
  }

  /// 0 where the command was done.
  package static func status(of response: [UInt8]) -> UInt32 {
    response[6..<10].reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// What a command with sessions gave.
  package static func parameters(of response: [UInt8]) throws -> [UInt8] {
    guard status(of: response) == 0, response.count >= 14 else {
      throw Unmet(description: "expected a TPM that does it, found its code \(String(status(of: response), radix: 16))")
    }
    let size = response[10..<14].reduce(0) { $0 << 8 | Int($1) }
    return Array(response[14..<(14 + size)])
  }
}

extension SoftwareTPM {
  /// A certification request (RFC 2986) of the device key, DER.
  package func request(commonName: String) throws -> [UInt8] {
    let info = RawDER.sequence([2, 1, 0], RequestParts.name(commonName), try devicePublicKey(), [0xa0, 0])
    return RawDER.sequence(info, RequestParts.ecdsaWithSHA256, RawDER.bits(try sign(info)))
  }
}
