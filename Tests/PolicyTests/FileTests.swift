import MusterModel
import Testing

@testable import Policy

@Suite struct FileTests {
  @Test func `the shipped files load, with the digest that is described`() throws {
    let policies = try shippedPolicies()
    var content: [UInt8] = []
    for name in ["access.yaml", "enrollment.yaml", "keys.yaml"] {
      content += Array(name.utf8) + [0] + Digest.sha256(try shipped(name).bytes).bytes
    }
    #expect(policies.digest == Digest.sha256(content))
    #expect(policies.files.map(\.name) == Policies.fileNames)
    #expect(policies.enrollment.profileNames == ["device", "operator", "hub", "server", "ocsp-responder"])
  }

  @Test func `the order of files does not matter, their bytes do`() throws {
    let files = [try shipped("access.yaml"), try shipped("enrollment.yaml")]
    let digest = try Policies.load(files: files).digest
    #expect(try Policies.load(files: files.reversed()).digest == digest)
    let changed = PolicyFile(name: "access.yaml", bytes: files[0].bytes + Array("\n".utf8))
    #expect(try Policies.load(files: [changed, files[1]]).digest != digest)
  }

  @Test(arguments: [
    [], ["access.yaml"], ["access.yaml", "access.yaml"], ["access.yaml", "enrollment.yaml", "a.yaml"],
  ])
  func `missing, doubled and unknown files are refused`(names: [String]) throws {
    let files = try names.map { PolicyFile(name: $0, bytes: try shipped("access.yaml").bytes) }
    #expect(throws: PolicyError.self) { try Policies.load(files: files) }
  }

  @Test func `an instance from before there were keys has no keys.yaml, and makes none`() throws {
    let policies = try Policies.load(files: [try shipped("access.yaml"), try shipped("enrollment.yaml")])
    for kind in RingKind.allCases {
      #expect(policies.keys.cryptoperiod(of: kind) == nil)
      #expect(try shippedPolicies().keys.cryptoperiod(of: kind) != nil)
    }
  }

  @Test func `what rollovers may break is said by keys-yaml, and nothing may where it says nothing`() throws {
    #expect(try shippedPolicies().keys.mayBreak == 0)
    #expect(try policies(keys: "version: 1\ncryptoperiods: {}\n").keys.mayBreak == 0)
    #expect(try policies(keys: "version: 1\ncryptoperiods: {}\nrollovers: {may-break: 7}\n").keys.mayBreak == 7)
    let older = try Policies.load(files: [try shipped("access.yaml"), try shipped("enrollment.yaml")])
    #expect(older.keys.mayBreak == 0)
  }

  @Test(
    arguments: [
      ("", nil, "empty"), ("version: 1\n", 1, "expected the key cryptoperiods"),
      ("version: 1\ncryptoperiods: {}\nmore: 1\n", 3, "found \"more\""),
      ("version: 2\ncryptoperiods: {}\n", 1, "expected version 1"),
      ("version: 1\ncryptoperiods:\n  rsa: 1\n", 3, "expected one of aes256-gcm"),
      ("version: 1\ncryptoperiods:\n  p256: 0\n", 3, "1 to 3650 days"),
      ("version: 1\ncryptoperiods:\n  p256: 3651\n", 3, "1 to 3650 days"),
      ("version: 1\ncryptoperiods:\n  p256: one\n", 3, "expected a whole number"),
      ("version: 1\ncryptoperiods:\n  p256: 1\n  p256: 2\n", 3, "p256"),
      ("version: 1\ncryptoperiods: {}\nrollovers: 3\n", 3, "expected a mapping"),
      ("version: 1\ncryptoperiods: {}\nrollovers: {}\n", 3, "expected the key may-break"),
      ("version: 1\ncryptoperiods: {}\nrollovers:\n  may-break: -1\n", 4, "0 to 100000000 devices"),
      ("version: 1\ncryptoperiods: {}\nrollovers:\n  may-break: all\n", 4, "expected a whole number"),
    ] as [(String, Int?, String)])
  func `what is wrong with keys.yaml is named`(text: String, line: Int?, problem: String) throws {
    let error = try #require(throws: PolicyError.self) { try policies(keys: text) }
    #expect(error.file == "keys.yaml" && error.problem.contains(problem), "\(error)")
    #expect(line == nil || error.line == line, "\(error)")
  }

  static let access: [(String, Int?, String)] = [
    ("", nil, "empty"), ("# nothing\n", nil, "empty"), ("a", 1, "expected a mapping"), ("[a]", 1, "expected a mapping"),
    ("version: 1\n", 1, "expected the key allow"), ("version: 2\nallow: {}\n", 1, "expected version 1"),
    ("version: one\nallow: {}\n", 1, "expected a whole number"), ("version: '1'\nallow: {}\n", 1, "whole number"),
    ("version: 1\nallow: []\n", 2, "expected a mapping"), ("version: 1\nallow:\n", 2, "expected a mapping"),
    ("version: 1\nallow: {}\nmore: 1\n", 3, "expected a key of version, allow, found \"more\""),
    ("version: 1\nallow:\n  boss: [ca.show]\n", 3, "found \"boss\""),
    ("version: 1\nallow:\n  hub: ca.show\n", 3, "expected a list"),
    ("version: 1\nallow:\n  hub: []\n", 3, "expected 1 to 256 entries"),
    ("version: 1\nallow:\n  hub:\n    - ca.show\n    - ca.shew\n", 5, "found \"ca.shew\""),
    ("version: 1\nallow:\n  hub:\n    - ca.show\n    - ca.show\n", 5, "once"),
    ("version: 1\nallow:\n  hub: [1]\n", 3, "expected a text"),
    ("version: 1\nallow:\n  hub: [yes]\n", 3, "expected a text"),
    ("version: 1\nallow:\n  hub: [{a: b}]\n", 3, "expected a text"),
    ("version: 1\nallow:\n  auditor: [\"*\"]\n", 3, "administrator alone"),
    ("version: 1\nallow:\n  auditor: [\"key.sign:\"]\n", 3, "a key ring's name"),
    ("version: 1\nallow:\n  auditor: [\"key.sign:a b\"]\n", 3, "a key ring's name"),
    ("version: 1\nallow:\n  auditor: [\"key.sign:*\"]\n", 3, "a key ring's name"),
    ("version: 1\nallow:\n  auditor:\n    - key.sign:a\n    - key.list:a\n", 5, "concerns a key ring"),
    ("version: 1\nallow:\n  auditor:\n    - key.sing:a\n", 4, "concerns a key ring"),
    ("version: 1\nallow:\n  auditor:\n    - key.sign:a\n    - key.sign:A\n", 5, "once"),
    ("version: 1\nallow:\n  auditor:\n    - key.sign:a\n    - key.sign\n", 4, "found both for auditor"),
    ("version: 1\nallow:\n  auditor:\n    - key.sign\n    - key.sign:a\n", 4, "found both for auditor"),
    ("version: 1\nallow:\n  auditor:\n    - key.sign: a\n", 4, "expected a text"),
    ("version: 1\nallow:\n  administrator: [\"*\", ca.show]\n", 3, "alone"),
    ("version: 1\nallow:\n  administrator: [ca.show, \"*\"]\n", 3, "found \"*\""),
    ("version: 1\nallow:\n  hub: [ca.show]\n  hub: [ca.show]\n", 3, "hub"),
    ("version: 1\nversion: 1\nallow: {}\n", 1, "version"),
    ("version: 1\nallow:\n  hub: &a [ca.show]\n  auditor: *a\n", 3, "neither anchor nor alias"),
    ("version: 1\nallow:\n  <<: {hub: [ca.show]}\n", 3, "expected a"),
    ("version: 1\nallow: !!python/object {}\n", 2, "expected a mapping"),
    ("version: 1\nallow: {}\n---\nversion: 1\nallow: {}\n", nil, "expected YAML"),
    ("version: 1\nallow:\n\thub: [ca.show]\n", 3, "control character"),
    ("version: 1\nallow: {\n", nil, "expected YAML"), ("version: 1\nallow: {}\u{0}", 2, "control character"),
    (
      "version: 1\nallow: " + String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000), 2,
      "expected a mapping"
    ),
    ("version: 1\n? allow\n: {}\n", 2, "plain keys"),
    ("version: 1\nallow: \(String(repeating: "[", count: 5000))", 2, "expected at most 1024 of [ and {"),
    ("version: 1\nallow:\n\(String(repeating: "- ", count: 5000))a", 3, "expected at most 64"),
    ("version: 1\nallow:\n\(String(repeating: " ", count: 65))a: b", 3, "indentation"),
    (String(repeating: "#", count: 65_537), nil, "expected at most 65536 bytes"),
    ("version: 1\nallow:\n  hub: [\(String(repeating: "a", count: 257))]\n", 3, "1 to 256 bytes"),
  ]

  @Test(arguments: access)
  func `a broken access file is refused whole, naming the line`(text: String, line: Int?, problem: String) throws {
    for end in ["\n", "\r\n", "\r"] {
      let text = text.replacing("\n", with: end)
      let error = try #require(#expect(throws: PolicyError.self) { try policies(access: text) })
      #expect(error.file == "access.yaml" && error.problem.contains(problem), "\(error)")
      if let line { #expect(error.line == line, "\(error)") }
    }
  }

  @Test(arguments: ["\r\n", "\r"])
  func `the shipped files mean the same whatever ends their lines`(end: String) throws {
    let digest = Digest.sha256([])
    let (access, enrollment) = (try shipped("access.yaml"), try shipped("enrollment.yaml"))
    #expect(
      try AccessPolicy(access.ended(by: end), digest: digest) == AccessPolicy(access, digest: digest))
    #expect(
      try EnrollmentPolicy(enrollment.ended(by: end), digest: digest) == EnrollmentPolicy(enrollment, digest: digest))
  }

  @Test(arguments: ["\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"])
  func `nothing hides behind another end of a line`(end: String) throws {
    let text = "version: 1\n# a comment\(end)allow:\(end)  hub:\(end)&a [ca.show]\n"
    let error = try #require(#expect(throws: PolicyError.self) { try policies(access: text) })
    #expect(error.line == 5 && error.problem.contains("neither anchor nor alias"), "\(error)")
  }

  static let pcr = "'\(Digest.sha256([1]).hex)'"
  static let rules: [(String, Int?, String)] = [
    ("  []\n", 4, "expected 1 to 256 entries"), ("  - {name: a}\n", 4, "expected the key verdict"),
    ("  - {verdict: permit}\n", 4, "expected the key name"), ("  - {name: a, verdict: maybe}\n", 4, "permit, refuse"),
    ("  - {name: a, verdict: permit, standing: [blocked]}\n", 4, "unknown, allowed, bound"),
    ("  - {name: a, verdict: permit, evidence: [smartcard]}\n", 4, "ticket, idevid, ldevid"),
    ("  - {name: a, verdict: permit, evidence: ticket}\n", 4, "expected a list"),
    ("  - {name: a, verdict: permit, act: [new, new]}\n", 4, "once"),
    ("  - {name: a, verdict: permit, groups: [a b]}\n", 4, "group's name"),
    ("  - {name: a, verdict: permit, groups: [A, a]}\n", 4, "once"),
    ("  - {name: a, verdict: permit, hardware: [serial]}\n", 4, "cpu-serial"),
    ("  - {name: a, verdict: refuse, profile: x}\n", 4, "no profile"),
    ("  - {name: a, verdict: refuse, expired: accept}\n", 4, "no expired"),
    ("  - {name: a, verdict: permit, weak-firmware: maybe}\n", 4, "accept"),
    ("  - {name: a, verdict: permit, endorsement: [word]}\n", 4, "allowlist, certificate"),
    ("  - {name: a, verdict: permit, secure-boot: on}\n", 4, "expected a text"),
    ("  - {name: a, verdict: permit, secure-boot: maybe}\n", 4, "required"),
    ("  - {name: a, verdict: refuse, secure-boot: required}\n", 4, "no secure-boot"),
    ("  - {name: a, verdict: refuse, pcrs: {7: [\(pcr)]}}\n", 4, "no pcrs"),
    ("  - {name: a, verdict: permit, pcrs: {}}\n", 4, "found none"),
    ("  - {name: a, verdict: permit, pcrs: [7]}\n", 4, "expected a mapping"),
    ("  - {name: a, verdict: permit, pcrs: {7: \(pcr)}}\n", 4, "expected a list"),
    ("  - {name: a, verdict: permit, pcrs: {7: []}}\n", 4, "expected 1 to 256 entries"),
    ("  - {name: a, verdict: permit, pcrs: {24: [\(pcr)]}}\n", 4, "from 0 to 23, found 24"),
    ("  - {name: a, verdict: permit, pcrs: {-1: [\(pcr)]}}\n", 4, "from 0 to 23, found -1"),
    ("  - {name: a, verdict: permit, pcrs: {seven: [\(pcr)]}}\n", 4, "whole number"),
    ("  - {name: a, verdict: permit, pcrs: {7: [\(pcr)], 07: [\(pcr)]}}\n", 4, "7 twice"),
    ("  - {name: a, verdict: permit, pcrs: {7: [abcd]}}\n", 4, "64 hexadecimal digits"),
    ("  - {name: A, verdict: permit}\n", 4, "a-z 0-9 -"),
    ("  - {name: a, verdict: permit, profile: ../x}\n", 4, "a-z 0-9 -"),
    ("  - {name: a, verdict: permit}\n  - {name: a, verdict: refuse}\n", 5, "once"),
    ("  - {name: a, verdict: permit, when: now}\n", 4, "found \"when\""),
    (String(repeating: "  - {name: a, verdict: permit}\n", count: 257), 4, "expected 1 to 256 entries"),
  ]

  @Test(arguments: rules)
  func `a broken enrollment file is refused whole, naming the line`(text: String, line: Int?, problem: String) throws {
    let file = EnrollmentPolicyTests.file(text)
    for file in [file, file.replacing("\n", with: "\r\n")] {
      let error = try #require(#expect(throws: PolicyError.self) { try policies(enrollment: file) })
      #expect(error.file == "enrollment.yaml" && error.problem.contains(problem), "\(error)")
      if let line { #expect(error.line == line, "\(error)") }
    }
  }

  @Test func `bytes that are no UTF-8 are refused`() throws {
    let file = PolicyFile(name: "access.yaml", bytes: [0xff, 0xfe])
    #expect(throws: PolicyError.self) { try Policies.load(files: [file, try shipped("enrollment.yaml")]) }
  }

  @Test func `an error reads as file, line and problem`() throws {
    let error = try #require(
      #expect(throws: PolicyError.self) { try policies(access: "version: 1\nallow:\n  boss: [ca.show]\n") })
    #expect("\(error)".hasPrefix("access.yaml:3: expected a key of "))
  }
}

extension PolicyFile {
  fileprivate func ended(by end: String) -> PolicyFile {
    PolicyFile(name: name, bytes: Array(String(decoding: bytes, as: UTF8.self).replacing("\n", with: end).utf8))
  }
}
