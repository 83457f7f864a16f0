import Foundation
import MusterModel
import Testing

@Suite struct EncodingTests {
  @Test(arguments: 0..<40)
  func `Crockford reads what it writes, in either case`(count: Int) {
    let bytes = SecretBytes.random(count: count).withUnsafeBytes { Array($0) }
    let text = Crockford.encode(bytes)
    #expect(Crockford.decode(text, count: count) == bytes)
    #expect(Crockford.decode(text.lowercased(), count: count) == bytes)
    #expect(Crockford.encode(bytes, letterCase: .lower) == text.lowercased())
  }

  @Test func `bits in Crockford's leading padding are refused`() {
    #expect(Crockford.decode("80000000000000000000000000", count: 16) == nil)
    #expect(Crockford.decode("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", count: 16) == [UInt8](repeating: 0xff, count: 16))
    #expect(Crockford.decode("U0", count: 1) == nil)
  }

  @Test(arguments: 0..<20)
  func `base64url reads what it writes, and writes what Foundation does`(count: Int) {
    let bytes = SecretBytes.random(count: count).withUnsafeBytes { Array($0) }
    let text = Base64URL.encode(bytes)
    #expect(Base64URL.decode(text) == bytes)
    let standard = text.replacing("-", with: "+").replacing("_", with: "/")
    #expect(Data(base64Encoded: standard + String(repeating: "=", count: (4 - text.count % 4) % 4)) == Data(bytes))
  }

  @Test(arguments: 0..<20)
  func `base64 reads what it writes, and writes what Foundation does`(count: Int) {
    let bytes = SecretBytes.random(count: count).withUnsafeBytes { Array($0) }
    let text = Base64.encode(bytes)
    #expect(text == Array(Data(bytes).base64EncodedData()))
    #expect(Base64.decode(text) == bytes)
  }

  @Test func `base64 with one character changed is read as Foundation reads it, or refused with it`() {
    let text = Array("AAECA/+A0g==".utf8)
    var read = 0
    for index in text.indices {
      for character in UInt8.min...UInt8.max where character != 0x0a && character != 0x0d {
        var changed = text
        changed[index] = character
        // Foundation takes loose last bits: what it writes back tells.
        let theirs = Data(base64Encoded: Data(changed)).flatMap { Array($0.base64EncodedData()) == changed ? $0 : nil }
        #expect(Base64.decode(changed) == theirs.map { Array($0) }, "\(String(decoding: changed, as: UTF8.self))")
        if theirs != nil { read += 1 }
      }
    }
    #expect(read > 9 * 63)
  }

  @Test(arguments: ["AA==", "AB", "A", "A+", "A/", "A A", "ÄÄ"])
  func `base64url in another form is refused`(text: String) {
    #expect(Base64URL.decode(text) == nil)
  }

  @Test func `a time agrees with Foundation's, and reads what it writes`() {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let time = Timestamp(milliseconds: Int64.random(in: -2_000_000_000_000...250_000_000_000_000, using: &generator))
      let date = Date(timeIntervalSince1970: Double(time.milliseconds) / 1000)
      #expect(time.description == formatter.string(from: date))
      #expect(Timestamp(time.description) == time)
    }
  }

  @Test(arguments: [
    "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01 00:00:00Z",
    "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:60Z", "+026-01-01T00:00:00Z", "",
  ])
  func `what is no time is refused`(text: String) {
    #expect(Timestamp(text) == nil)
  }
}

@Suite struct SecretBytesTests {
  @Test func `a secret shows neither in its description nor in its mirror`() {
    let secret = SecretBytes(copying: Array("opensesame".utf8))
    var dumped = ""
    dump(secret, to: &dumped)
    #expect(!"\(secret) \(dumped)".contains("opensesame"))
    #expect(secret.isEqual(to: SecretBytes(copying: Array("opensesame".utf8))))
    #expect(!secret.isEqual(to: SecretBytes(copying: Array("opensesamf".utf8))))
    #expect(!secret.isEqual(to: SecretBytes(copying: Array("opensesam".utf8))))
  }
}

@Suite struct ExcerptTests {
  @Test(arguments: [
    ("plain", "\"plain\""), ("", "\"\""), ("it's \"so\"", #""it's \"so\"""#), ("a\nb", #""a\nb""#),
    ("\u{1b}[2J", #""\u{1B}[2J""#), ("\u{9b}2J", #""\u{009B}2J""#), ("\u{202e}", #""\u{202E}""#), ("…", #""\u{2026}""#),
  ])
  func `what could steer a terminal is escaped`(text: String, shown: String) {
    #expect(excerpt(text) == shown)
  }

  @Test func `a long text is cut by scalars, however few characters they make`() {
    #expect(excerpt("abcdef", upTo: 3) == "\"abc\"…")
    #expect(excerpt("abc", upTo: 3) == "\"abc\"")
    #expect(printable("e" + String(repeating: "\u{301}", count: 1000), upTo: 3) == #"e\u{0301}\u{0301}…"#)
  }
}

@Suite struct LineTests {
  @Test func `a line of fields is what the library writes of them`() throws {
    let fields = [
      "message": "request", "at": "2026-10-09T08:00:00.000Z", "a\"b": "it's \"so\" \\ / …",
      "": "\u{0}\n\t\u{7f}\u{2028}é",
      "Z": "", "long": String(repeating: "0123456789abcdef", count: 100),
    ]
    #expect(JSONWriter.line(of: fields) == Array(try EventCoding.encoder().encode(fields)) + Array("\n".utf8))
    #expect(JSONWriter.line(of: [:]) == Array("{}\n".utf8))
  }
}
