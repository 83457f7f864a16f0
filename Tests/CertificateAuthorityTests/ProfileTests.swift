import MusterTesting
import Testing

@testable import CertificateAuthority

@Suite struct ProfileTests {
  @Test func `every shipped profile loads`() throws {
    let profiles = try ProfileSet.load(files: Project.profiles())
    #expect(profiles.names == ["device", "hub", "ocsp-responder", "operator", "server"])
    let device = try #require(profiles["device"])
    #expect(device.validity == .seconds(397 * 86_400) && device.backdating == .seconds(3600))
    #expect(device.issuers == [.devices] && device.excess == .ignore && device.purposes == [.clientAuth])
  }

  static let faults: [(line: String, instead: String, at: Int, expected: String)] = [
    ("for: device", "for: devices", 3, "one of device, hub"),
    ("for: device", "for: [device]", 3, "one value"),
    ("for: device", "fro: device", 3, "one of profile"),
    ("for: device", "for: device\nfor: device", 3, "each key once"),
    ("for: device", "", 1, "the key for"),
    ("issuers: [devices]", "issuers: [service]", 4, "only devices"),
    ("issuers: [devices]", "issuers: [root]", 4, "only devices"),
    ("issuers: [devices]", "issuers: devices", 4, "a list in brackets"),
    ("issuers: [devices]", "issuers: []", 4, "at least 1"),
    ("issuers: [devices]", "issuers: [[devices]]", 4, "a plain value"),
    ("issuers: [devices]", "issuers: [devices, devices]", 4, "each once"),
    ("issuers: [devices]", "issuers: &a [devices]", 4, "a plain value"),
    ("issuers: [devices]", "issuers: *a", 4, "a plain value"),
    ("issuers: [devices]", "issuers: {a: b}", 4, "a plain value"),
    ("issuers: [devices]", "issuers: [a#,[[[[b]", 4, "a plain value"),
    ("issuers: [devices]", "issuers: [devices", 4, "a plain value"),
    ("issuers: [devices]", "issuers:\n  - - - - devices", 5, "a plain value"),
    ("key-usage: [digital-signature]", "key-usage: [key-agreement]", 6, "digital-signature among them"),
    ("key-usage: [digital-signature]", "key-usage: [keyCertSign]", 6, "each once of digital-signature"),
    ("extended-key-usage: [client-auth]", "extended-key-usage: [server-auth]", 7, "only client-auth"),
    ("extended-key-usage: [client-auth]", "extended-key-usage: [client-auth, ocsp-signing]", 7, "only client-auth"),
    ("alternative-names: [spiffe-id, certificate-name]", "alternative-names: [host-names]", 5, "only certificate-name"),
    ("validity: 397d", "validity: 397", 9, "a time such as"), ("validity: 397d", "validity: -1d", 9, "a time such as"),
    ("validity: 397d", "validity: 59m", 9, "a time such as"),
    ("validity: 397d", "validity: 99999d", 9, "a time such as"),
    ("validity: 397d", "validity: \"397d\"", 9, "a plain value"),
    ("validity: 397d", "validity: 29d", 12, "less than the validity"),
    ("backdating: 1h", "backdating: 25h", 10, "a time such as"),
    ("profile: device", "profile: other", 2, "the file's name"),
    ("profile: device", "profile: device\u{7}", 2, "a plain value"),
    ("profile: device", "profile: dévice", 2, "a plain value"),
    ("profile: device", "- profile", 3, "YAML"),
    ("excess: ignore", "excess: honour", 15, "one of ignore, refuse"),
    ("excess: ignore", "excess: ignore\nmore: 1", 16, "one of profile"),
    ("excess: ignore", "excess: ignore\n  deep: 1", 16, "YAML"),
    ("addresses: [crl, ocsp, issuer]", "addresses: [crl, http]", 13, "each once of crl"),
  ]

  @Test(arguments: faults)
  func `a fault is refused by its file and line`(line: String, instead: String, at: Int, expected: String) throws {
    let text = try #require(try Project.profiles().first { $0.name == "device.yaml" }?.text)
    #expect(text.contains(line + "\n"))
    let faulty = text.replacing(line + "\n", with: instead + "\n")
    for end in ["\n", "\r\n", "\r"] {
      let error = #expect(throws: ProfileError.self) {
        try ProfileSet.load(files: [("device.yaml", faulty.replacing("\n", with: end))])
      }
      #expect(error?.file == "device.yaml" && error?.line == at, "\(String(describing: error))")
      #expect(error?.expected.hasPrefix(expected) == true, "\(String(describing: error))")
    }
  }

  @Test(arguments: ["\r\n", "\r"])
  func `the shipped profiles mean the same whatever ends their lines`(end: String) throws {
    let files = try Project.profiles()
    let (profiles, again) = (
      try ProfileSet.load(files: files),
      try ProfileSet.load(files: files.map { ($0.name, $0.text.replacing("\n", with: end)) })
    )
    #expect(again.names == profiles.names && profiles.names.allSatisfy { again[$0] == profiles[$0] })
  }

  @Test(arguments: ["\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"])
  func `nothing hides behind another end of a line`(end: String) throws {
    let text = try #require(try Project.profiles().first { $0.name == "device.yaml" }?.text)
    let hiding = "# a comment\(end)issuers: &a [devices]\n"
    let error = #expect(throws: ProfileError.self) {
      try ProfileSet.load(files: [("device.yaml", text.replacing("issuers: [devices]\n", with: hiding))])
    }
    #expect(error?.line == 5 && error?.expected.hasPrefix("a plain value") == true, "\(String(describing: error))")
  }

  @Test func `a file's own name does not steer a terminal`() {
    let error = #expect(throws: ProfileError.self) { try ProfileSet.load(files: [("a\u{1b}[2Jb.yaml", "[a]")]) }
    #expect(error?.description.hasPrefix(#"a\u{1B}[2Jb.yaml:"#) == true, "\(String(describing: error))")
  }

  @Test func `a huge file, an empty one and a list are refused`() {
    for text in [String(repeating: "# more\n", count: 3000), "", "# nothing", "[a]", "a"] {
      #expect(throws: ProfileError.self) { try ProfileSet.load(files: [("device.yaml", text)]) }
    }
  }

  @Test func `one broken file refuses all`() throws {
    let files = try Project.profiles() + [("more.yaml", "profile: more")]
    #expect(throws: ProfileError.self) { try ProfileSet.load(files: files) }
  }
}
