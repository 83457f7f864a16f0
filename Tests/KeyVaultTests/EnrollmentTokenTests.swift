import Foundation
import MusterModel
import Testing

@testable import KeyVault

/// Tokens by a key derived from a group's.
@Suite struct EnrollmentTokenTests {
  private static let signature = "f%2BwW8XOKeJOtiPc9Iwjc4OpExvPM7NlhM9qxN2a1aAM%3D"

  private static func text(_ resource: String) -> String {
    "SharedAccessSignature sr=\(resource)&sig=\(signature)&se=1663119026"
  }

  private func groupKey() throws -> DeviceKey {
    try #require(DeviceKey(SecretBytes(copying: Array(0...0x1f as ClosedRange<UInt8>))))
  }

  @Test func `what a board makes, its group's key knows, and no other's`() throws {
    let made = EnrollmentToken.make(
      group: try #require(RecordName("pumps")), registrationID: "dev-0001",
      expires: Timestamp(milliseconds: 1_663_119_026_000), key: try groupKey().derived(for: "dev-0001"))
    #expect(made.hasPrefix("SharedAccessSignature sr=pumps%2Fregistrations%2Fdev-0001&sig="))
    let token = try #require(EnrollmentToken(made))
    #expect(token.group == RecordName("pumps") && token.registration.description == "registration:dev-0001")
    #expect(token.signature(under: try groupKey()) == token.signature)
    #expect(token.signature(under: .random()) != token.signature)
    let other = try #require(EnrollmentToken(made.replacing("dev-0001", with: "dev-0002")))
    #expect(other.signature(under: try groupKey()) != other.signature)
    #expect(SharedAccessToken.parse(made) == .failure(.malformed), "an enrollment's is no device's")
  }

  @Test func `it agrees with openssl`() throws {
    // printf 'pumps%%2Fregistrations%%2Fdev-0001\n1663119026' | openssl dgst -sha256 -mac HMAC -macopt hexkey:<derived>
    let resource = "pumps%2Fregistrations%2Fdev-0001"
    let derived = try #require(Data(base64Encoded: "cdGysxvdpBRmPWq+ds9aCdcRf8ScvRkDyZisOt2DQV4="))
    let key = try #require(DeviceKey(SecretBytes(copying: derived)))
    let made = EnrollmentToken.make(
      group: try #require(RecordName("pumps")), registrationID: "dev-0001",
      expires: Timestamp(milliseconds: 1_663_119_026_000), key: key)
    #expect(
      made == "SharedAccessSignature sr=\(resource)&sig=%2BSXtLir2EgIRUmaD3d0MtG9a01tsaeAAeq4NSnBThLU%3D&se=1663119026")
  }

  @Test(arguments: [
    "pumps%2Fdevices%2Fdev-0001", "pumps%2Fregistrations", "pumps%2Fregistrations%2F", "%2Fregistrations%2Fdev-0001",
    "pumps%2Fregistrations%2Fa%2Fb", "pumps%2FRegistrations%2Fdev-0001", "a%20b%2Fregistrations%2Fdev-0001",
    "pumps%2Fregistrations%2F..%2Fx", "pumps%2Fregistrations%2F\(String(repeating: "a", count: 129))",
  ]) func `a resource that is not a group's registration is no enrollment's`(resource: String) {
    #expect(EnrollmentToken(Self.text(resource)) == nil)
  }
}
