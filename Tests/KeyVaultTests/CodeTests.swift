import KeyVault
import MusterModel
import Testing

private let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

@Suite struct RecoveryCodeTests {
  private func example() throws -> String { try VaultVector.load().recoveryCode }

  @Test func `a code reads as it is written, and as people write it`() throws {
    let code = text(RecoveryCode.random().text)
    #expect(code.count == 44 && code.split(separator: "-").allSatisfy { $0.count == 4 })
    let forms = [
      code, code.lowercased(), code.replacing("-", with: ""), code.replacing("-", with: " "), "  \(code)\r\n",
      code.replacing("0", with: "O").replacing("1", with: "l"),
    ]
    for form in forms { #expect(try text(RecoveryCode.parse(secret(form)).get().text) == code) }
  }

  @Test func `any one character that is wrong is caught`() throws {
    let code = Array(try example())
    for offset in code.indices where code[offset] != "-" {
      for other in alphabet where other != code[offset] {
        var typo = code
        typo[offset] = other
        #expect(refusal(String(typo)) == .check)
      }
    }
  }

  @Test func `two neighbours that are swapped are caught`() throws {
    let code = Array(try example().replacing("-", with: ""))
    for offset in code.indices.dropLast() where code[offset] != code[offset + 1] {
      var typo = code
      typo.swapAt(offset, offset + 1)
      #expect(refusal(String(typo)) == .check)
    }
  }

  @Test func `what is no code is told apart from a slip`() throws {
    let code = try example()
    #expect(refusal("") == .length(0))
    #expect(refusal(String(code.dropLast())) == .length(35))
    #expect(refusal(code + "0") == .length(37))
    #expect(refusal(String(repeating: "0", count: 100_000)) == .length(256))
    #expect(refusal("U" + code.dropFirst()) == .character)
    #expect(refusal(code.dropLast() + "U") == .character)
    #expect(refusal("é" + code.dropFirst(2)) == .character)
  }

  private func refusal(_ text: some StringProtocol) -> RecoveryCode.Refusal? {
    guard case .failure(let refusal) = RecoveryCode.parse(secret(String(text))) else { return nil }
    return refusal
  }
}

@Suite struct TicketCodeTests {
  @Test func `a code reads as it is written, without regard to case and hyphens`() throws {
    let vault = Vault()
    try vault.unseal(root: .random(), keks: [])
    let code = TicketCode.random()
    let written = text(code.text)
    #expect(written.count == 19 && written.split(separator: "-").allSatisfy { $0.count == 4 })
    for form in [written, written.lowercased(), written.replacing("-", with: ""), written.replacing("0", with: "o")] {
      #expect(try vault.mac(of: try #require(TicketCode(form))) == vault.mac(of: code))
    }
    #expect(try vault.mac(of: .random()) != vault.mac(of: code))
  }

  @Test(arguments: [
    "", "0000-0000-0000-000", "0000-0000-0000-00000", "0000-0000-0000-000U", "0000 0000 0000 0000",
    "0000-0000-0000-000\n", "0000-0000-0000-000é", String(repeating: "-", count: 60) + "0000",
    "0000000000000000" + String(repeating: "-", count: 60),
  ])
  func `what is no code is refused`(text: String) {
    #expect(TicketCode(text) == nil)
  }
}

@Suite struct OfflineRootTests {
  @Test func `the root's key opens with its code alone`() throws {
    let code = RecoveryCode.random()
    let sealed = try OfflineRoot.seal(secret("root key"), under: code)
    #expect(try text(OfflineRoot.open(sealed, with: code)) == "root key")
    #expect(throws: VaultError.notAuthentic) { try OfflineRoot.open(sealed, with: .random()) }
  }

  @Test(arguments: [0, 11, 12, 13, 14, 15, 16, 47, 48, 79, 80, 111, 112, 119, 120, 135])
  func `a flipped bit in each field is found`(offset: Int) throws {
    let vector = try VaultVector.load()
    let code = try RecoveryCode.parse(secret(vector.recoveryCode)).get()
    var sealed = try bytes(vector.offlineRoot)
    sealed[offset] ^= 0x80
    #expect(throws: VaultError.self) { try OfflineRoot.open(sealed, with: code) }
  }

  @Test(arguments: [0, 1, 16, 48, 127, 8321])
  func `a file of another length is malformed`(count: Int) {
    #expect(throws: VaultError.malformedOfflineRoot("\(count) bytes")) {
      try OfflineRoot.open([UInt8](repeating: 0, count: count), with: .random())
    }
  }

  @Test func `a key that is too long is refused`() {
    #expect(throws: VaultError.tooLarge(bytes: OfflineRoot.keyLimit + 1)) {
      try OfflineRoot.seal(.random(count: OfflineRoot.keyLimit + 1), under: .random())
    }
  }
}
