import MusterModel

/// `SharedAccessSignature sr=…&sig=…&se=…`, read and not yet verified: what tokens of both kinds have in common. It is read
/// in bytes, for a hub asks about one at every connection.
struct SignedFields {
  /// `sr`, percent-decoded, by its segments.
  let path: [String]
  let expires: Timestamp
  let signature: [UInt8]
  /// What was signed.
  let message: [UInt8]

  init?(_ text: String) {
    guard text.utf8.count <= SharedAccessToken.sizeLimit else { return nil }
    let bytes = Array(text.utf8)
    guard bytes.starts(with: SharedAccessToken.scheme.utf8), bytes.allSatisfy({ (0x20...0x7e).contains($0) }),
      let fields = Fields(bytes.dropFirst(SharedAccessToken.scheme.utf8.count)),
      let seconds = SignedFields.seconds(fields.expiry), let signature = SignedFields.signature(fields.signature),
      let path = SignedFields.path(fields.resource)
    else { return nil }
    self.path = path
    expires = Timestamp(milliseconds: seconds * 1000)
    self.signature = signature
    message = SignedFields.message(fields.resource, fields.expiry)
  }

  /// Exactly `sr`, `sig` and `se`, in any order.
  private struct Fields {
    private static let names = ["sr", "sig", "se"].map { Array($0.utf8) }
    let resource, signature, expiry: ArraySlice<UInt8>

    /// nil for any other set of names, and for one that comes twice.
    init?(_ text: ArraySlice<UInt8>) {
      var values = [ArraySlice<UInt8>?](repeating: nil, count: Fields.names.count)
      for pair in text.split(separator: UInt8(ascii: "&"), maxSplits: 3, omittingEmptySubsequences: false) {
        guard let equals = pair.firstIndex(of: UInt8(ascii: "=")),
          let place = Fields.names.firstIndex(where: { pair[..<equals] == $0[...] }), values[place] == nil
        else { return nil }
        values[place] = pair[(equals + 1)...]
      }
      guard let resource = values[0], let signature = values[1], let expiry = values[2] else { return nil }
      (self.resource, self.signature, self.expiry) = (resource, signature, expiry)
    }
  }

  /// Decimal digits, no sign and no zero in front, up to the end of the year 9999.
  private static func seconds(_ text: ArraySlice<UInt8>) -> Int64? {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard (1...12).contains(text.count), text.allSatisfy(digits.contains), text.first != digits.lowerBound else {
      return nil
    }
    let seconds = text.reduce(Int64(0)) { $0 * 10 + Int64($1 - digits.lowerBound) }
    return seconds <= 253_402_300_799 ? seconds : nil
  }

  /// 32 bytes in base64 with padding, each character percent-encoded or not.
  private static func signature(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    guard let plain = percentDecoded(text), plain.count == 44, let bytes = Base64.decode(plain), bytes.count == 32
    else {
      return nil
    }
    return bytes
  }

  private static func path(_ resource: ArraySlice<UInt8>) -> [String]? {
    guard let plain = percentDecoded(resource), String(validating: plain, as: UTF8.self) != nil else { return nil }
    return plain.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
  }

  static func message(_ resource: some Sequence<UInt8>, _ expiry: some Sequence<UInt8>) -> [UInt8] {
    Array(resource) + [UInt8(ascii: "\n")] + Array(expiry)
  }
}

// MARK: - Percent-encoding (RFC 3986 §2.1)

/// nil for a `%` without two hexadecimal digits.
private func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.count)
  var rest = text
  while let byte = rest.popFirst() {
    guard byte == UInt8(ascii: "%") else {
      bytes.append(byte)
      continue
    }
    guard let high = rest.popFirst().flatMap(Hex.value(of:)), let low = rest.popFirst().flatMap(Hex.value(of:)) else {
      return nil
    }
    bytes.append(high << 4 | low)
  }
  return bytes
}

func percentEncoded(_ text: String) -> String {
  let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
  return text.utf8.map { unreserved.contains($0) ? String(UnicodeScalar($0)) : "%" + Hex.encode([$0]).uppercased() }
    .joined()
}
