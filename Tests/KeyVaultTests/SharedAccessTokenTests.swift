import Foundation
import MusterModel
import Testing

@testable import KeyVault

/// The token of the issue's own vector, and every way in which it can be wrong.
@Suite struct SharedAccessTokenTests {
  static let resource = "MyExampleHub.azure-devices.net%2Fdevices%2Fmy-symkey-device"
  static let signature = "f+wW8XOKeJOtiPc9Iwjc4OpExvPM7NlhM9qxN2a1aAM="
  static let encoded = "f%2BwW8XOKeJOtiPc9Iwjc4OpExvPM7NlhM9qxN2a1aAM%3D"
  static let end: Int64 = 1_663_119_026
  static let host = "MyExampleHub.azure-devices.net"

  static func text(
    sr: String = resource, sig: String = encoded, se: String = String(end)
  ) -> String { "SharedAccessSignature sr=\(sr)&sig=\(sig)&se=\(se)" }

  private func key() throws -> DeviceKey {
    let text = "18RQk/hOPJR9EbsJlk2j8WA6vWaj/yi+oaYg7zmxfQNdOyMSu+SJ8O7TSlZhDJCYmn4rzEiVKIzNiVAWjLxrGA=="
    let bytes = try #require(Data(base64Encoded: text))
    return try #require(DeviceKey(SecretBytes(copying: bytes)))
  }

  private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

  @Test func `the known token is the known key's`() throws {
    let token = try SharedAccessToken.parse(Self.text()).get()
    #expect(token.isSigned(by: try key()))
    #expect(token.host == Self.host && token.deviceID == DeviceID("my-symkey-device") && token.expires == at(Self.end))
    #expect(token.refusal(at: at(Self.end - 1), host: Self.host) == nil)
  }

  @Test func `a token that is made here is the one that is known`() throws {
    let made = SharedAccessToken.make(
      host: Self.host, deviceID: try #require(DeviceID("my-symkey-device")), expires: at(Self.end), key: try key())
    #expect(made == Self.text())
  }

  @Test(arguments: [
    "SharedAccessSignature se=1663119026&sr=\(resource)&sig=\(encoded)",
    "SharedAccessSignature sig=\(encoded)&se=1663119026&sr=\(resource)",
    "SharedAccessSignature sig=\(signature)&sr=\(resource)&se=1663119026",
    "SharedAccessSignature sr=\(resource)&sig=f%2bwW8XOKeJOtiPc9Iwjc4OpExvPM7NlhM9qxN2a1aAM%3d&se=1663119026",
  ]) func `the fields may come in any order, the signature encoded or not`(text: String) throws {
    #expect(try SharedAccessToken.parse(text).get().isSigned(by: try key()))
  }

  @Test(arguments: [
    "", "SharedAccessSignature", "SharedAccessSignature ", "sharedaccesssignature sr=a&sig=b&se=1",
    "Bearer " + text().dropFirst(22), text().replacing("Signature ", with: "Signature  "),
    "SharedAccessSignature sig=\(encoded)&se=\(end)", "SharedAccessSignature sr=\(resource)&se=\(end)",
    "SharedAccessSignature sr=\(resource)&sig=\(encoded)",
    text() + "&sr=\(resource)", text() + "&sig=\(encoded)", text() + "&se=\(end)", text() + "&skn=owner", text() + "&",
    "SharedAccessSignature sr=\(resource)&sig=\(encoded)&sig=\(encoded)",
    "SharedAccessSignature sr=\(resource)&sr=\(resource)&se=\(end)",
    "SharedAccessSignature SR=\(resource)&sig=\(encoded)&se=\(end)",
    "SharedAccessSignature sr&sig=\(encoded)&se=\(end)",
    text(sr: ""), text(sig: ""), text(se: ""),
  ]) func `every field once and no other: else it is no token`(text: String) {
    #expect(SharedAccessToken.parse(text) == .failure(.malformed))
  }

  @Test(arguments: [
    "9223372036854775808", "9223372036854775807", "18446744073709551616", "-1663119026", "+1663119026", "01663119026",
    "1663119026.0", "0x6320", "1663119026 ", "١٦٦٣١١٩٠٢٦", "999999999999", "0",
  ]) func `an end that is no time is no token's`(end: String) {
    #expect(SharedAccessToken.parse(Self.text(se: end)) == .failure(.malformed))
  }

  @Test(arguments: [
    "MyExampleHub.azure-devices.net%2Fdevices", "MyExampleHub.azure-devices.net%2Fdevices%2F",
    "MyExampleHub.azure-devices.net%2Fdevices%2Fa%2Fmodules%2Fb", "%2Fdevices%2Fa", "host%2FDevices%2Fa",
    "host%2Fdevices%2Fa%2F", "host%2Fdevices%2F..", "host%2Fdevices%2Fa.b", "host%2", "host%2Gdevices%2Fa",
    "host%2Fdevices%2F%ff", String(repeating: "h", count: 254) + "%2Fdevices%2Fa",
  ]) func `a resource that is not a hub's device is no token's`(resource: String) {
    #expect(SharedAccessToken.parse(Self.text(sr: resource)) == .failure(.malformed))
  }

  @Test(arguments: [
    String(encoded.dropLast(3)), encoded + "%3D", encoded + "A", String(encoded.dropFirst(3)),
    "f%2BwW8XOKeJOtiPc9Iwjc4OpExvPM7NlhM9qxN2a1aAN%3D", "f-wW8XOKeJOtiPc9Iwjc4OpExvPM7NlhM9qxN2a1aAM%3D",
    "%00" + encoded, " " + encoded,
  ]) func `a signature that is cut, padded or of another form is no token's`(signature: String) {
    #expect(SharedAccessToken.parse(Self.text(sig: signature)) == .failure(.malformed))
  }

  @Test func `a token of more than 1024 bytes is not read`() {
    #expect(SharedAccessToken.parse(Self.text(sig: String(repeating: "A", count: 1024))) == .failure(.malformed))
  }

  @Test func `one bit off is another signature`() throws {
    let bytes = [UInt8](try #require(Data(base64Encoded: Self.signature)))
    for bit in 0..<256 {
      var other = bytes
      other[bit / 8] ^= 1 << (bit % 8)
      let text = Self.text(sig: Data(other).base64EncodedString())
      #expect(try !SharedAccessToken.parse(text).get().isSigned(by: try key()), "bit \(bit)")
    }
  }

  @Test(arguments: [
    text(sr: resource.replacing("%2F", with: "%2f")), text(sr: resource + "0"), text(se: String(end + 1)),
    text(sr: resource.lowercased()), text(sr: resource.replacing("%2F", with: "/")),
  ]) func `what was signed is what was sent, letter for letter`(text: String) throws {
    #expect(try !SharedAccessToken.parse(text).get().isSigned(by: try key()))
  }

  @Test func `a token in another case of the same host is for it, another host's is not`() throws {
    let token = try SharedAccessToken.parse(Self.text()).get()
    #expect(token.refusal(at: at(Self.end - 60), host: Self.host.uppercased()) == nil)
    #expect(token.refusal(at: at(Self.end - 60), host: "x" + Self.host) == .otherHost)
    #expect(token.refusal(at: at(Self.end - 60), host: Self.host + "x") == .otherHost)
  }

  @Test(
    arguments: [
      (-30 * 86_400 - 301, "token-lifetime"), (-30 * 86_400 - 300, nil), (-1, nil), (0, "token-expired"),
      (1, "token-expired"),
    ] as [(Int64, String?)]) func `a token holds from thirty days before its end until its end`(
      offset: Int64, code: String?
    ) throws
  {
    let token = try SharedAccessToken.parse(Self.text()).get()
    #expect(token.refusal(at: at(Self.end + offset), host: Self.host)?.code == code)
  }

  @Test func `a token for dev1 is none for dev10`() throws {
    let key = DeviceKey.random()
    let made = SharedAccessToken.make(
      host: "h", deviceID: try #require(DeviceID("dev1")), expires: at(Self.end), key: key)
    let other = try SharedAccessToken.parse(made.replacing("dev1&", with: "dev10&")).get()
    #expect(try SharedAccessToken.parse(made).get().isSigned(by: key))
    #expect(other.deviceID == DeviceID("dev10") && !other.isSigned(by: key))
  }
}

@Suite struct DeviceKeyTests {
  @Test func `a group's key is derived for a board as it is known`() throws {
    let group = try #require(DeviceKey(SecretBytes(copying: Array(0...0x1f as ClosedRange<UInt8>))))
    #expect(text(group.derived(for: "dev-0001").text) == "cdGysxvdpBRmPWq+ds9aCdcRf8ScvRkDyZisOt2DQV4=")
    #expect(text(group.derived(for: "dev-0002").text) != "cdGysxvdpBRmPWq+ds9aCdcRf8ScvRkDyZisOt2DQV4=")
  }

  @Test(arguments: [0, 15, 65]) func `a key that is too short or too long is none`(size: Int) {
    #expect(DeviceKey(SecretBytes.random(count: size)) == nil)
  }

  private func unsealed() throws -> Vault {
    let vault = Vault()
    try vault.unseal(root: RootKey.random(), keks: [])
    _ = try vault.addKEK()
    return vault
  }

  private let device = RecordID(.device, UUIDv7(at: Timestamp(milliseconds: 1_750_000_000_000)))

  @Test func `two keys are made, sealed for their device, and recorded by their checks`() throws {
    let vault = try unsealed()
    let pair = try vault.makeDeviceKeys(of: device, generation: 3, after: 4)
    #expect(pair.primary.version == 5 && pair.secondary.version == 6 && pair.generation == 3)
    #expect(pair.primary.key.bytes.count == 32 && !pair.primary.key.bytes.isEqual(to: pair.secondary.key.bytes))
    for version in [pair.primary, pair.secondary] {
      #expect(try vault.openDeviceKey(version.sealed).bytes.isEqual(to: version.key.bytes))
      #expect(version.sealed.owner == device && version.sealed.version == version.version)
    }
    let made = pair.made(for: device)
    #expect(made.primary.check == KeyCheck(of: pair.primary.key.bytes, id: device.description, version: 5).hex)
  }

  @Test func `the next keys keep the primary as the secondary`() throws {
    let vault = try unsealed()
    let first = try vault.makeDeviceKeys(of: device, generation: 1, after: 0)
    let next = try vault.nextDeviceKeys(of: device, generation: 1, keeping: first.primary.sealed, after: 2)
    #expect(next.primary.version == 3 && next.secondary.version == 1)
    #expect(next.secondary.key.bytes.isEqual(to: first.primary.key.bytes))
    #expect(next.secrets.map(\.version) == [3, 1])
  }

  @Test func `what is sealed for another purpose is no device key`() throws {
    let vault = try unsealed()
    let other = try vault.seal(SecretBytes.random(count: 32), owner: device, purpose: "signing-key", version: 1)
    #expect(throws: VaultError.notAuthentic) { try vault.openDeviceKey(other) }
  }
}
