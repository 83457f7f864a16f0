import Foundation

/// The name or address of a host, as a certificate holds it.
enum HostName: Hashable, Sendable {
  case dns(String)
  case address([UInt8])

  /// nil unless `text` is a DNS name in lower case (RFC 5280 §4.2.1.6, no wildcard), or an IPv4 or IPv6 address.
  init?(_ text: String) {
    if let bytes = Self.address(text) {
      self = .address(bytes)
      return
    }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, labels.allSatisfy(Self.isLabel), labels.last?.contains(where: \.isLetter) == true
    else { return nil }
    self = .dns(text)
  }

  var generalName: GeneralName {
    switch self {
    case .dns(let name): .dns(name)
    case .address(let bytes): .address(bytes)
    }
  }

  private static func address(_ text: String) -> [UInt8]? {
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
    var six = in6_addr()
    if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: &six) { Array($0) } }
    return nil
  }

  private static func isLabel(_ label: Substring) -> Bool {
    (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
      && label.utf8.allSatisfy { character in
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
      }
  }
}
