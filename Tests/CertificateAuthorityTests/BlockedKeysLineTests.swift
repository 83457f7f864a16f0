import CertificateAuthority
import MusterModel
import Testing

@Suite struct BlockedKeysLineTests {
  @Test(arguments: ["\n", "\r\n", "\r", "\u{85}", "\u{2028}"])
  func `keys are read whatever ends a line, and a comment hides none after it`(end: String) throws {
    let digests = [Digest.sha256([1]), Digest.sha256([2])]
    let text = (["# published keys"] + digests.map(\.hex)).joined(separator: end) + end
    let keys = try BlockedKeys(text: text)
    #expect(keys.count == 2 && digests.allSatisfy(keys.contains))
  }
}
