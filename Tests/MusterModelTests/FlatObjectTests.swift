import Foundation
import MusterModel
import Testing

@Suite struct FlatObjectTests {
  @Test(arguments: [
    "{}", "{\"a\":\"b\"}", " { \"a\" : 0 , \"b\" : 18446744073709551615 } ", "{\"a\":true,\"b\":false}",
    #"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude80é"}"#,
  ]) func `what it reads, Foundation reads alike`(text: String) throws {
    let object = try #require(FlatObject(text.utf8))
    let read = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(read.count == object.fields.count)
    for (name, value) in object.fields {
      switch value {
      case .text(let text): #expect(read[name] as? String == text)
      case .number(let number): #expect((read[name] as? NSNumber)?.uint64Value == number)
      case .bool(let bool): #expect(read[name] as? Bool == bool)
      }
    }
  }

  @Test func `null is absent`() { #expect(FlatObject("{\"a\":null}".utf8)?.fields.isEmpty == true) }

  @Test(arguments: [
    "", "[]", "{", "{}x", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":{}}", "{\"a\":[]}", "{\"a\":1.5}",
    "{\"a\":-1}", "{\"a\":01}", "{\"a\":18446744073709551616}", "{\"a\":1,\"a\":2}", "{a:1}", "{\"a\":'b'}",
    "{\"a\":\"\n\"}", #"{"a":"\x"}"#, #"{"a":"\ud83d"}"#, #"{"a":"\ude80"}"#, #"{"a":"\u12"}"#, "{\"a\":\"b}",
    "{\"a\":nul}",
  ]) func `anything else is refused`(text: String) { #expect(FlatObject(text.utf8) == nil) }

  @Test func `a text that is not UTF-8 is refused`() {
    #expect(FlatObject(Array("{\"a\":\"".utf8) + [0xff] + Array("\"}".utf8)) == nil)
  }
}
