public import MusterModel

extension RevocationList {
  /// SHA-256 over revokedCertificates as a CRL encodes it (RFC 5280 §5.1.2.6), in the order given; over nothing where the
  /// field would be left out. Two CRLs of one issuer with the same contents revoke the same.
  public static func contents(of revoked: [RevokedCertificate]) -> Digest {
    Digest.sha256(revoked.isEmpty ? [] : TLV.sequence(entries(revoked)))
  }

  /// The same of a CRL's DER, read no deeper than that field; nil for what is laid out in another way.
  public static func contents(of der: [UInt8]) -> Digest? {
    var outer = ShallowDER(der[...])
    guard let list = outer.take(0x30), outer.isAtEnd else { return nil }
    var signed = ShallowDER(list.content)
    guard let body = signed.take(0x30) else { return nil }
    var fields = ShallowDER(body.content)
    guard fields.take(0x02) != nil, fields.take(0x30) != nil, fields.take(0x30) != nil,
      fields.take(0x17, 0x18) != nil, fields.take(0x17, 0x18) != nil
    else { return nil }
    let entries = fields.take(0x30)
    guard fields.take(0xa0) != nil, fields.isAtEnd else { return nil }
    return Digest.sha256(entries?.whole ?? [])
  }
}

/// Steps over DER values side by side: a CRL may have a hundred thousand entries, of which no tree is to be built.
private struct ShallowDER {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }

  /// The next value, if it has one of these tags.
  mutating func take(_ tags: UInt8...) -> (whole: ArraySlice<UInt8>, content: ArraySlice<UInt8>)? {
    guard let tag = rest.first, tags.contains(tag), let (header, length) = Self.length(rest.dropFirst()),
      rest.count - header - 1 >= length
    else { return nil }
    let whole = rest.prefix(1 + header + length)
    rest = rest.dropFirst(whole.count)
    return (whole, whole.suffix(length))
  }

  /// How many bytes say the length, and what they say: at most 4 GiB.
  private static func length(_ bytes: ArraySlice<UInt8>) -> (header: Int, length: Int)? {
    guard let first = bytes.first else { return nil }
    if first < 0x80 { return (1, Int(first)) }
    let count = Int(first & 0x7f)
    guard (1...4).contains(count), bytes.count > count else { return nil }
    return (1 + count, bytes.dropFirst().prefix(count).reduce(0) { $0 << 8 | Int($1) })
  }
}
