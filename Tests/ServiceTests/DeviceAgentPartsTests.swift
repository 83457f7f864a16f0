import Foundation
import MusterTesting
import ServiceAnswers
import Testing

@testable import muster_device

/// What the agent does between its requests.
@Suite struct DeviceAgentPartsTests {
  @Test(arguments: [
    (-5.0, 0.0, 60.0), (-5, 1, 3600), (0, 0.5, 1830), (1800, 0, 1860), (3600, 0.5, 5430), (3601, 0.9, 3600),
    (9_000_000, 0.1, 3600),
  ])
  func `the daemon looks each hour, and renews within an hour after it is due`(
    due: TimeInterval, jitter: Double, wait: TimeInterval
  ) {
    #expect(RenewalTimes.wait(until: due, jitter: jitter) == wait)
  }

  @Test(arguments: [
    (1, nil, 0.0, 30.0), (1, nil, 1, 60), (2, nil, 1, 120), (6, nil, 1, 1920), (7, nil, 1, 3600), (1000, nil, 1, 3600),
    (1, 300, 0, 300), (9, 5, 0, 1800), (1, Int.max, 0, 86_400), (1, -7, 0, 30),
  ])
  func `after a failure it waits a minute, then double, up to an hour, and no less than it is told`(
    failures: Int, retryAfter: Int?, jitter: Double, wait: TimeInterval
  ) {
    #expect(RenewalTimes.backOff(failures, retryAfter: retryAfter, jitter: jitter) == wait)
  }

  @Test(arguments: [
    "", "not base64 at all!", "MAA=", "MIID", "MBAGCSqGSIb3DQEHAqADAgEB", String(repeating: "MIAG", count: 5000),
    "MBgGCSqGSIb3DQEHAqALMAkCAQExADAAoAA=",
  ])
  func `what is no answer of EST is refused`(text: String) {
    #expect(throws: UnreadableAnswer.self) { try CertificatesOnly.read(Data(text.utf8)) }
  }

  /// What is no challenge.
  @Test(arguments: [
    (
      """
      {"attestation":"../x","nonce":"AAAAAAAAAAAAAAAAAAAAAA==","credential":"AAAA","encryptedSecret":"AAAA"}
      """, "ID of a challenge"
    ),
    (#"{"attestation":"att_1","nonce":"AAAA","credential":"AAAA","encryptedSecret":"AAAA"}"#, "bytes of nonce"),
    (
      """
      {"attestation":"a","nonce":"AAAAAAAAAAAAAAAAAAAAAA==","credential":"AAAA","encryptedSecret":"AAAA","pcrs":[24]}
      """, "from 0 to 23"
    ),
    (#"{"attestation":"att_1"}"#, "another text"), ("[]", "another text"),
  ])
  func `a challenge that is none is refused in words`(text: String, words: String) throws {
    let refusal = try #require(
      #expect(throws: UnreadableAnswer.self) { let _: ChallengeAnswer = try ServiceAnswer.decode(Data(text.utf8)) })
    #expect(refusal.description.contains(words), "\(refusal)")
  }

  @Test(arguments: [
    (#"{"version":3,"key":"AAAA"}"#, "16...64 bytes"),
    (#"{"version":-1,"key":"AAAAAAAAAAAAAAAAAAAAAA=="}"#, "another text"),
    (#"{"version":3}"#, "another text"),
  ])
  func `a symmetric key that is none is refused in words`(text: String, words: String) throws {
    let refusal = try #require(
      #expect(throws: UnreadableAnswer.self) { let _: DeviceKeyAnswer = try ServiceAnswer.decode(Data(text.utf8)) })
    #expect(refusal.description.contains(words), "\(refusal)")
  }

  @Test(arguments: [
    (["proc/device-tree/serial-number": "10000000e4b1c9d2\0"], ["cpu-serial:10000000e4b1c9d2"]),
    (["proc/cpuinfo": "processor\t: 0\nSerial\t\t: 00000000e4b1c9d2\nModel\t: Pi\n"], ["cpu-serial:00000000e4b1c9d2"]),
    (
      ["sys/class/dmi/id/product_uuid": "4C4C4544-0042-3510-8054-B7C04F4D3532\n"],
      ["dmi-uuid:4c4c4544-0042-3510-8054-b7c04f4d3532"]
    ),
    (
      ["proc/device-tree/serial-number": "e4b1c9d2\0", "proc/cpuinfo": "Serial : e4b1c9d2\n"], ["cpu-serial:e4b1c9d2"]
    ),
    (
      ["sys/class/dmi/id/product_uuid": "00000000-0000-0000-0000-000000000000\n", "proc/cpuinfo": "processor : 0\n"], []
    ),
    ([:], []),
  ])
  func `a board's serial numbers are read where Linux has them`(files: [String: String], found: [String]) throws {
    let root = try TemporaryFolder()
    for (path, text) in files {
      let folder = root.url.appending(path: path).deletingLastPathComponent()
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try root.write(Array(text.utf8), path)
    }
    #expect(BoardSerial.all(under: root.url.path).map(\.description) == found)
  }

  @Test func `what Linux makes up while it is read is read whole`() throws {
    let status = try #require(try StateFolder.read("/proc/self/status"))
    #expect(String(decoding: status, as: UTF8.self).contains("nonvoluntary_ctxt_switches"))
  }

  @Test func `a refusal's text is shown in one line and not without end`() {
    #expect(printable("a\u{1b}[31mb\r\nc\u{0}") == "a[31mbc")
    #expect(printable(String(repeating: "x", count: 5000)).count == 400)
  }

  @Test(arguments: [
    [], [0, 4, 0, 1], Array(repeating: UInt8(0xff), count: 400), [0, 90, 0, 0x23] + Array(repeating: 7, count: 90),
  ])
  func `a public area that is none has no ID`(area: [UInt8]) { #expect(EndorsementID.text(of: area) == nil) }
}
