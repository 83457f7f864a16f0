import SwiftASN1

/// What was expected of a DER value and what was found.
struct MalformedDER: Error, CustomStringConvertible {
  let description: String

  init(expected: String, found: String) { description = "expected \(expected), found \(found)" }
}

/// The members of a constructed value, taken one after the other; what is left over is refused.
struct Fields {
  private var rest: ASN1NodeCollection.Iterator
  private let what: String

  init(of node: ASN1Node, as identifier: ASN1Identifier = .sequence, _ what: String) throws(MalformedDER) {
    guard node.identifier == identifier, case .constructed(let members) = node.content else {
      throw MalformedDER(expected: what, found: "the tag \(node.identifier)")
    }
    rest = members.makeIterator()
    self.what = what
  }

  var isAtEnd: Bool {
    var ahead = rest
    return ahead.next() == nil
  }

  mutating func take(_ member: String) throws(MalformedDER) -> ASN1Node {
    guard let node = rest.next() else { throw MalformedDER(expected: "\(member) in \(what)", found: "its end") }
    return node
  }

  /// The next member if it carries the tag; nil, and nothing taken, otherwise.
  mutating func take(if identifier: ASN1Identifier) -> ASN1Node? {
    var ahead = rest
    guard let node = ahead.next(), node.identifier == identifier else { return nil }
    rest = ahead
    return node
  }

  func end() throws(MalformedDER) {
    var ahead = rest
    if let node = ahead.next() {
      throw MalformedDER(expected: "the end of \(what)", found: "the tag \(node.identifier)")
    }
  }
}

extension ASN1Identifier {
  static func context(_ number: UInt) -> ASN1Identifier {
    ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific)
  }
}

extension ASN1Node {
  /// Reads DER whole: no trailing bytes, no indefinite lengths, a nesting of at most 50.
  static func parse(_ der: ArraySlice<UInt8>, _ what: String) throws(MalformedDER) -> ASN1Node {
    do {
      return try DER.parse(der)
    } catch {
      throw MalformedDER(expected: "the DER of \(what)", found: "\(error)")
    }
  }

  /// The members of a SEQUENCE OF or SET OF, at most `limit` of them.
  func members(
    _ identifier: ASN1Identifier = .sequence, limit: Int, _ what: String
  ) throws(MalformedDER) -> [ASN1Node] {
    guard self.identifier == identifier, case .constructed(let members) = content else {
      throw MalformedDER(expected: what, found: "the tag \(self.identifier)")
    }
    var list: [ASN1Node] = []
    for member in members {
      guard list.count < limit else { throw MalformedDER(expected: "at most \(limit) in \(what)", found: "more") }
      list.append(member)
    }
    return list
  }

  /// The one value inside a tag.
  func inside(_ identifier: ASN1Identifier, _ what: String) throws(MalformedDER) -> ASN1Node {
    var fields = try Fields(of: self, as: identifier, what)
    let node = try fields.take("one value")
    try fields.end()
    return node
  }

  func primitive(_ identifier: ASN1Identifier, _ what: String) throws(MalformedDER) -> ArraySlice<UInt8> {
    guard self.identifier == identifier, case .primitive(let bytes) = content else {
      throw MalformedDER(expected: what, found: "the tag \(self.identifier)")
    }
    return bytes
  }

  /// An OBJECT IDENTIFIER, as its complete DER.
  func objectIdentifier(_ what: String) throws(MalformedDER) -> ArraySlice<UInt8> {
    guard (try? ASN1ObjectIdentifier(derEncoded: self)) != nil else {
      throw MalformedDER(expected: "an object identifier of \(what)", found: "\(identifier)")
    }
    return encodedBytes
  }

  /// The content of a BIT STRING that has no unused bits.
  func wholeBits(_ what: String) throws(MalformedDER) -> ArraySlice<UInt8> {
    let content = try primitive(.bitString, what)
    guard content.first == 0 else {
      throw MalformedDER(expected: "\(what) without unused bits", found: "\(content.first ?? 0) of them")
    }
    return content.dropFirst()
  }

  /// The magnitude of an INTEGER that is minimal and not negative, without a leading zero byte; empty for zero.
  func magnitude(_ what: String) throws(MalformedDER) -> ArraySlice<UInt8> {
    let content = try primitive(.integer, what)
    guard let first = content.first, first & 0x80 == 0 else {
      throw MalformedDER(expected: "\(what) as an integer that is not negative", found: "\(content.count) bytes")
    }
    let magnitude = first == 0 ? content.dropFirst() : content
    guard first != 0 || (magnitude.first ?? 0x80) & 0x80 != 0 else {
      throw MalformedDER(expected: "\(what) in its shortest form", found: "a leading zero")
    }
    return magnitude
  }
}

/// The dotted form of an OBJECT IDENTIFIER's DER, for messages.
func dotted(_ objectIdentifier: some Collection<UInt8>) -> String {
  (try? ASN1ObjectIdentifier(derEncoded: Array(objectIdentifier))).map { "\($0)" } ?? "an unreadable identifier"
}
