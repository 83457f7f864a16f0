import Foundation

/// A value that writes its own JSON, byte for byte as `EventCoding.encoder` does: for what is written thousands of times a
/// second. Tests hold each to the encoder.
public protocol CanonicalJSON {
  func write(to json: inout JSONWriter)
}

/// Writes JSON objects with their keys in the order given, which is the sorted one. What is generic can be inlined, so that
/// it is compiled for the types of other rooms.
public struct JSONWriter {
  public private(set) var bytes: [UInt8]
  private var isFirst = true

  public init(capacity: Int = 1024) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  @inlinable public static func bytes(of value: some CanonicalJSON) -> [UInt8] {
    var json = JSONWriter()
    json.object(value)
    return json.bytes
  }

  @inlinable public mutating func object(_ value: some CanonicalJSON) {
    open(UInt8(ascii: "{"))
    value.write(to: &self)
    close(UInt8(ascii: "}"))
  }

  /// A line of NDJSON.
  @inlinable public mutating func line(_ value: some CanonicalJSON) {
    object(value)
    endLine()
  }

  @usableFromInline mutating func endLine() { bytes.append(UInt8(ascii: "\n")) }

  /// A line of NDJSON with these fields, sorted by their names.
  public static func line(of fields: [String: String]) -> [UInt8] {
    var json = JSONWriter(capacity: 512)
    json.open(UInt8(ascii: "{"))
    for (name, text) in fields.sorted(by: { $0.key < $1.key }) {
      json.comma()
      json.string(name)
      json.bytes.append(UInt8(ascii: ":"))
      json.string(text)
    }
    json.close(UInt8(ascii: "}"))
    json.endLine()
    return json.bytes
  }

  // MARK: - Fields; nil is left out

  public mutating func field(_ key: StaticString, _ text: String?) {
    guard let text else { return }
    name(key)
    string(text)
  }

  public mutating func field(_ key: StaticString, _ id: RecordID?) {
    guard let id else { return }
    name(key)
    bytes.append(UInt8(ascii: "\""))
    id.write(to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  mutating func field(_ key: StaticString, _ actor: Actor) {
    name(key)
    bytes.append(UInt8(ascii: "\""))
    actor.write(to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  mutating func field(_ key: StaticString, _ aggregates: [Aggregate]) {
    list(key, aggregates) { json, aggregate in
      guard let record = aggregate.record else { return json.string(aggregate.name) }
      json.bytes.append(UInt8(ascii: "\""))
      record.write(to: &json.bytes)
      json.bytes.append(UInt8(ascii: "\""))
    }
  }

  public mutating func field(_ key: StaticString, _ time: Timestamp?) {
    guard let time else { return }
    name(key)
    bytes.append(UInt8(ascii: "\""))
    time.write(to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  /// Bytes in base64.
  public mutating func field(_ key: StaticString, base64 content: [UInt8]?) {
    guard let content else { return }
    name(key)
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: Base64.encode(content))
    bytes.append(UInt8(ascii: "\""))
  }

  @inlinable public mutating func field(_ key: StaticString, _ value: (some CustomStringConvertible)?) {
    field(key, value?.description)
  }

  public mutating func field(_ key: StaticString, digest: Digest?) {
    guard let digest else { return }
    name(key)
    bytes.append(UInt8(ascii: "\""))
    digest.withUnsafeBytes { Base64URL.append($0, to: &bytes) }
    bytes.append(UInt8(ascii: "\""))
  }

  public mutating func field(_ key: StaticString, number: UInt64?) {
    guard let number else { return }
    name(key)
    decimal(number)
  }

  public mutating func field(_ key: StaticString, bool: Bool) {
    name(key)
    bytes.append(contentsOf: (bool ? "true" : "false").utf8)
  }

  @inlinable public mutating func field(_ key: StaticString, object value: (some CanonicalJSON)?) {
    guard let value else { return }
    name(key)
    object(value)
  }

  @inlinable public mutating func field(_ key: StaticString, objects: [some CanonicalJSON]?) {
    list(key, objects) { $0.object($1) }
  }

  @inlinable public mutating func field(_ key: StaticString, texts: [some CustomStringConvertible]) {
    list(key, texts) { $0.string($1.description) }
  }

  /// A field whose value is JSON already.
  public mutating func field(_ key: StaticString, json: [UInt8]) {
    name(key)
    bytes.append(contentsOf: json)
  }

  // MARK: - Pieces

  @inlinable mutating func list<Item>(
    _ key: StaticString, _ items: [Item]?, _ write: (inout JSONWriter, Item) -> Void
  ) {
    guard let items else { return }
    name(key)
    open(UInt8(ascii: "["))
    for item in items {
      comma()
      write(&self, item)
    }
    close(UInt8(ascii: "]"))
  }

  @usableFromInline mutating func open(_ bracket: UInt8) {
    bytes.append(bracket)
    isFirst = true
  }

  @usableFromInline mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    isFirst = false
  }

  @usableFromInline mutating func comma() {
    if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
  }

  @usableFromInline mutating func name(_ key: StaticString) {
    comma()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
    bytes.append(contentsOf: "\":".utf8)
  }

  private mutating func decimal(_ number: UInt64) {
    if number > 9 { decimal(number / 10) }
    bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
  }

  @usableFromInline mutating func string(_ text: String) {
    var text = text
    let isWritten = text.withUTF8 { writePrintable($0) }
    // What is not printable ASCII is the library's to write: rare, and its rules are many.
    if !isWritten, let encoded = try? EventCoding.encoder().encode(text) { bytes.append(contentsOf: encoded) }
  }

  /// false, and nothing written, where there is more than printable ASCII.
  private mutating func writePrintable(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
    // To the end without a way out, so that it is compiled into steps of sixteen characters.
    var (others, escapes) = (UInt8(0), UInt8(0))
    for character in text {
      others |= character &- 0x20 > 0x7e - 0x20 ? 1 : 0
      escapes |= character == quote || character == backslash ? 1 : 0
    }
    guard others == 0 else { return false }
    bytes.append(quote)
    if escapes == 0 {
      bytes.append(contentsOf: text)
    } else {
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * text.count) { out in
        var end = 0
        for character in text {
          if character == quote || character == backslash {
            out[end] = backslash
            end += 1
          }
          out[end] = character
          end += 1
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: out[..<end]))
      }
    }
    bytes.append(quote)
    return true
  }
}
