import PKCS11Commands
import Testing

@Suite struct PKCS11URITests {
  @Test func `a URI names the token, its module and its PIN's file`() throws {
    let text = "pkcs11:token=muster%20one;serial=0a1b?module-path=/usr/lib/hsm.so&pin-source=file:/etc/muster/pin"
    let uri = try PKCS11URI(text)
    #expect(uri.token == "muster one" && uri.serial == "0a1b" && uri.modulePath == "/usr/lib/hsm.so")
    #expect(uri.pinFile == "/etc/muster/pin" && uri.description == text)
    let bare = try PKCS11URI("pkcs11:token=t?pin-source=/pin&module-path=/m.so")
    #expect(bare.pinFile == "/pin" && bare.serial == nil)
  }

  @Test(arguments: [
    ("", "pkcs11:token="), ("http:token=t?module-path=/m&pin-source=/p", "pkcs11:token="), ("pkcs11:", "token="),
    ("pkcs11:token=?module-path=/m&pin-source=/p", "token="), ("pkcs11:token=t", "module-path="),
    ("pkcs11:token=t?module-path=m.so&pin-source=/p", "module-path="),
    ("pkcs11:token=t?module-path=/m", "pin-source="), ("pkcs11:token=t?module-path=/m&pin-source=pin", "pin-source="),
    ("pkcs11:token=t?module-path=/m&pin-value=1234", "found a PIN"),
    ("pkcs11:token=t?module-path=/m&pin-source=/p&pin-value=1234", "found a PIN"),
    ("pkcs11:token=t;token=u?module-path=/m&pin-source=/p", "each once"),
    ("pkcs11:token=%zz?module-path=/m&pin-source=/p", "NAME=VALUE"),
    ("pkcs11:token=%ff?module-path=/m&pin-source=/p", "NAME=VALUE"),
    ("pkcs11:token=a%00b?module-path=/m&pin-source=/p", "NAME=VALUE"),
    ("pkcs11:token?module-path=/m&pin-source=/p", "NAME=VALUE"),
    ("pkcs11:token=t;slot-id=1?module-path=/m&pin-source=/p", "slot-id"),
    ("pkcs11:token=t?module-path=/m&pin-source=/p&x=y", "found x"),
    ("pkcs11:token=" + String(repeating: "t", count: 33) + "?module-path=/m&pin-source=/p", "token="),
    ("pkcs11:token=t?module-path=/" + String(repeating: "m", count: 1024) + "&pin-source=/p", "pkcs11:token="),
  ])
  func `what is not understood is refused, and so is a PIN`(text: String, why: String) {
    let error = #expect(throws: PKCS11URI.Malformed.self) { try PKCS11URI(text) }
    #expect(error?.description.contains(why) == true && error?.description.contains("1234") == false)
  }
}
