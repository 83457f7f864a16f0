import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import KeyVault

/// Shares that open a slot together.
@Suite struct ShareTests {
  private static let quorums = [(2, 2), (2, 3), (3, 5), (5, 5), (2, 16), (16, 16)]
  private let root = RootKey.random()

  /// A slot and its shares.
  private func made(_ needed: Int, of count: Int, slot number: UInt32 = 3) throws -> (slot: Slot, shares: [VaultShare])
  {
    let new = try NewShares(try Quorum(needed, of: count))
    let slot = try Slot(try new.protector.wrap(root, slot: number).bytes)
    return (slot, new.shares(ofSlot: number))
  }

  /// nil where they open it; else why not.
  private func refusal(_ shares: [VaultShare], _ slot: Slot) -> VaultError? {
    do throws(VaultError) {
      return try SharesProtector(shares, of: slot).unwrap(slot).check == root.check ? nil : .notAuthentic
    } catch {
      return error
    }
  }

  @Test(arguments: quorums)
  func `as many as are needed open the slot, whichever and in whatever order, and so do more`(
    needed: Int, count: Int
  ) throws {
    var random = SeededGenerator(seed: UInt64(needed * 100 + count))
    let (slot, shares) = try made(needed, of: count)
    #expect(shares.map(\.number) == (1...UInt8(count)).map(\.self))
    #expect(try slot.quorum == Quorum(needed, of: count))
    for _ in 0..<20 {
      let some = shares.shuffled(using: &random).prefix(Int.random(in: needed...count, using: &random))
      #expect(refusal(Array(some), slot) == nil)
    }
  }

  @Test(arguments: quorums)
  func `too few, mixed, repeated, renamed and flipped ones all fail alike`(needed: Int, count: Int) throws {
    var random = SeededGenerator(seed: UInt64(needed * 100 + count))
    let (slot, shares) = try made(needed, of: count)
    let other = try made(needed, of: count).shares
    let elsewhere = try made(needed, of: count, slot: 4).shares
    for _ in 0..<20 {
      let enough = Array(shares.shuffled(using: &random).prefix(needed))
      let place = Int.random(in: 0..<needed, using: &random)
      func with(_ share: VaultShare) -> [VaultShare] {
        enough.prefix(place) + [share] + enough.suffix(needed - place - 1)
      }
      let chosen = enough[place]
      var value = reveal(chosen.value)
      value[Int.random(in: 0..<32, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      let flipped = VaultShare(slot: 3, number: chosen.number, value: SecretBytes(copying: value))
      let renamed = VaultShare(slot: 3, number: chosen.number % 16 + 1, value: chosen.value)
      let index = Int(chosen.number) - 1
      let wrong = [
        Array(enough.dropLast()), [], enough.dropLast() + [enough[0]], enough + [enough[place]], with(other[index]),
        with(elsewhere[index]), with(flipped), enough + [flipped], with(renamed),
      ]
      for (number, shares) in wrong.enumerated() { #expect(refusal(shares, slot) == .wrongKey, "case \(number)") }
    }
  }

  @Test func `a slot that was changed anywhere opens by no shares, its numbers among it`() throws {
    let (slot, shares) = try made(2, of: 3)
    #expect(slot.bytes.count == Slot.size && slot.bytes[6..<9] == [0, 2, 3])
    for offset in slot.bytes.indices {
      for bit in 0..<8 {
        var bytes = slot.bytes
        bytes[offset] ^= 1 << UInt8(bit)
        let opened = try? SharesProtector(shares, of: Slot(bytes)).unwrap(Slot(bytes))
        #expect(opened == nil, "bit \(bit) of byte \(offset)")
      }
    }
  }

  @Test(arguments: [(0, 0), (1, 1), (1, 2), (0, 3), (3, 2), (2, 17), (17, 17), (-1, 3), (2, 258)])
  func `so many shares make no slot`(needed: Int, count: Int) {
    #expect(throws: VaultError.quorum(needed: needed, count: count)) { try Quorum(needed, of: count) }
  }

  @Test func `another hand's shares open another hand's slot`() throws {
    let vector = try VaultVector.load()
    let slot = try Slot(try bytes(vector.sharesSlot))
    let shares = try vector.shares.map { try VaultShare.parse(secret($0)).get() }
    #expect(shares.map { text($0.text) } == vector.shares && slot.number == 12)
    for pair in [[0, 1], [2, 0], [1, 2]] {
      let protector = try SharesProtector(pair.map { shares[$0] }, of: slot)
      #expect(try protector.unwrap(slot).check == slot.check)
    }
  }
}

/// How a share is written.
@Suite struct ShareTextTests {
  private let share: VaultShare

  init() throws { share = try NewShares(try Quorum(2, of: 3)).shares(ofSlot: 41)[1] }

  private func refusal(_ text: some StringProtocol) -> VaultShare.Refusal? {
    guard case .failure(let refusal) = VaultShare.parse(secret(String(text))) else { return nil }
    return refusal
  }

  @Test func `a share reads as it is written, and as people write it`() throws {
    let written = text(share.text)
    #expect(written.hasPrefix("41-2-") && written.count == 5 + 69)
    let forms = [
      written, written.lowercased(), written.replacing("-", with: " "), "  \(written)\r\n",
      "41 2 " + written.dropFirst(5).replacing("-", with: ""),
      "41-2-" + written.dropFirst(5).replacing("0", with: "O").replacing("1", with: "l"),
    ]
    for form in forms {
      let read = try VaultShare.parse(secret(form)).get()
      #expect(read.slot == 41 && read.number == 2 && text(read.text) == written)
    }
  }

  @Test func `any one character that is wrong is caught`() throws {
    let written = Array(text(share.text))
    for offset in written.indices where written[offset] != "-" {
      for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ" where other != written[offset] {
        var typo = written
        typo[offset] = other
        #expect(refusal(String(typo)) != nil)
      }
    }
  }

  @Test func `what is cut anywhere is none`() throws {
    let written = text(share.text)
    for count in 0..<written.count { #expect(refusal(written.prefix(count)) != nil) }
  }

  @Test func `what is no share is told apart from a slip`() throws {
    let rest = text(share.text).dropFirst(5)
    for front in ["", "41-", "-2-", "0-2-", "41-0-", "41-17-", "41-300-", "4294967296-2-", "041-2-", "41-x-", "é-2-"] {
      #expect(refusal(front + rest) == .numbers, "\(front)")
    }
    #expect(refusal("41-2-") == .length(0) && refusal("41-2-\(rest)0") == .length(57))
    #expect(refusal("41-2-" + String(repeating: "0", count: 100_000)) == .length(256))
    #expect(refusal("41-2-U" + rest.dropFirst()) == .character)
    #expect(refusal("41-3-\(rest)") == .check && refusal("42-2-\(rest)") == .check)
  }

  @Test func `nothing that is printed shows a share`() {
    var printed = ""
    dump(share, to: &printed)
    print(share, to: &printed)
    #expect(!printed.contains(text(share.text).dropFirst(5)))
  }
}

/// Shares that are for one officer each.
@Suite struct OfficerEnvelopeTests {
  private func share() throws -> VaultShare { try NewShares(try Quorum(2, of: 2)).shares(ofSlot: 3)[0] }

  @Test(arguments: [["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]])
  func `openssl reads with the officer's key what was encrypted, and with no other`(algorithm: [String]) throws {
    let openssl = try OpenSSL()
    for name in ["officer", "other"] {
      let made = try openssl.run(
        ["req", "-x509", "-newkey"] + algorithm
          + ["-nodes", "-keyout", "\(name).key", "-subj", "/CN=\(name)", "-outform", "DER", "-out", "\(name).der"])
      #expect(made.status == 0, "\(made.text)")
    }
    let share = try share()
    let envelope = try OfficerEnvelope.seal(share, to: openssl.read("officer.der"))
    try openssl.write(envelope, "share.cms")
    try openssl.succeed("cms -decrypt -inform DER -in share.cms -inkey officer.key -out share.txt")
    #expect(try openssl.read("share.txt") == reveal(share.text))
    let other = try openssl.run("cms", "-decrypt", "-inform", "DER", "-in", "share.cms", "-inkey", "other.key")
    #expect(!other.text.contains(text(share.text)))
    #expect(envelope.count > 300 && !String(decoding: envelope, as: UTF8.self).contains(text(share.text)))
  }

  @Test func `what nothing can be encrypted to is refused`() throws {
    let openssl = try OpenSSL()
    try openssl.succeed("req -x509 -newkey ed25519 -nodes -keyout k.pem -subj /CN=e -outform DER -out e.der")
    let certificate = try openssl.read("e.der")
    for bytes in [certificate, [], [0x30], Array(certificate.dropLast()), certificate + [0]] {
      #expect(throws: VaultError.officer) { try OfficerEnvelope.seal(try share(), to: bytes) }
    }
  }
}
