import Foundation
import MusterModel

/// Sound bodies for what is asked of keys: what cannot be read is refused before anyone is.
package enum RouteBodies {
  private static let ring = RecordID(.key, UUIDv7(at: FixedClock().now()))

  /// nil for a route of others.
  package static func body(of path: String) -> String? {
    guard path != "/v1/rollovers" else {
      return
        #"{"plan":{"canary":1,"step":25,"quorum":90,"soak":60,"overlap":60,"deadline":"2099-01-01T00:00:00.000Z","refusals":5,"breaks":0}}"#
    }
    guard path.hasPrefix("/v1/keys") || path == "/v1/random" else { return nil }
    let transfer = #"{"encapsulatedKey":"","ciphertext":""}"#
    return switch path.split(separator: "/").last {
    case "keys": #"{"name":"a","kind":"ed25519"}"#
    case "import": #"{"ring":{"name":"a","kind":"ed25519"},"key":\#(transfer)}"#
    case "export": #"{"publicKey":"\#(Data(repeating: 9, count: 32).base64EncodedString())"}"#
    case "minimum": #"{"decrypt":1,"encrypt":1}"#
    case "state": #"{"state":"suspended"}"#
    case "encrypt", "mac", "sign": #"{"items":[{"data":"YQ=="}]}"#
    case "decrypt", "rewrap": #"{"items":[{"text":"muster-ciphertext:1:\#(ring):1:AAAA"}]}"#
    case "verify": #"{"items":[{"data":"YQ==","text":"muster-mac:1:\#(ring):1:AAAA"}]}"#
    case "derive": #"{"context":"a"}"#
    case "random": #"{"size":1}"#
    default: "{}"
    }
  }
}
