import Foundation

/// An entry of an archive in the ustar form (POSIX.1-2017, pax, "ustar Interchange Format").
enum TarEntry {
  static let block = 512
  /// Two blocks of zeros.
  static let end = [UInt8](repeating: 0, count: 2 * block)

  /// The device's folder and its files.
  static func all(of device: DevicePackage) throws -> [UInt8] {
    let folder = device.row.deviceID.text + "/"
    return try device.files.reduce(into: try header(folder, mode: 0o700, size: 0, type: "5")) { bytes, file in
      let content = Array(file.text.utf8)
      bytes += try header(folder + file.name, mode: file.mode, size: content.count, type: "0") + content
      bytes += [UInt8](repeating: 0, count: (block - content.count % block) % block)
    }
  }

  private static func header(_ name: String, mode: mode_t, size: Int, type: String) throws -> [UInt8] {
    guard name.utf8.count <= 100, size < 1 << 33 else {
      throw CommandFailure("expected a name of at most 100 bytes for an archive, found \(name)")
    }
    // Field by field: name, mode, uid, gid, size, mtime, checksum, type, link, magic, version, names, device, prefix.
    let time = Int(Date().timeIntervalSince1970)
    var bytes =
      field(name, 100) + number(Int(mode), 8) + number(0, 8) + number(0, 8) + number(size, 12) + number(time, 12)
      + Array("        ".utf8) + field(type, 1) + field("", 100) + field("ustar", 6) + Array("00".utf8)
      + field("root", 32) + field("root", 32) + number(0, 8) + number(0, 8) + field("", 155)
    bytes += [UInt8](repeating: 0, count: block - bytes.count)
    let sum = bytes.reduce(0) { $0 + Int($1) }
    bytes.replaceSubrange(148..<156, with: number(sum, 7) + Array(" ".utf8))
    return bytes
  }

  private static func field(_ text: String, _ width: Int) -> [UInt8] {
    Array(text.utf8) + [UInt8](repeating: 0, count: width - text.utf8.count)
  }

  /// In octal digits, ended by a zero byte.
  private static func number(_ value: Int, _ width: Int) -> [UInt8] {
    let digits = String(value, radix: 8)
    return Array((String(repeating: "0", count: width - 1 - digits.utf8.count) + digits).utf8) + [0]
  }
}

extension TarEntry {
  /// What an entry's first block says, and where its content lies in the archive.
  struct Header {
    let name: String
    let content: Range<UInt64>
    /// When it was written, in seconds since 1970.
    let time: UInt64
    /// Where the next entry begins.
    let end: UInt64

    /// nil for a block that begins no entry, by its checksum.
    init?(_ bytes: [UInt8], at place: UInt64) {
      guard bytes.count == block, bytes[257..<262].elementsEqual("ustar".utf8),
        let size = Header.number(bytes[124..<136]), let time = Header.number(bytes[136..<148]),
        let sum = Header.number(bytes[148..<156])
      else { return nil }
      let blank = Int(UInt8(ascii: " "))
      let found = bytes.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? blank : Int($1.element)) }
      guard sum == UInt64(found) else { return nil }
      name = String(decoding: bytes[..<100].prefix { $0 != 0 }, as: UTF8.self)
      self.time = time
      let start = place + UInt64(block)
      content = start..<start + size
      end = content.upperBound + (UInt64(block) - size % UInt64(block)) % UInt64(block)
    }

    /// Octal digits, ended by a zero byte or a blank.
    private static func number(_ field: ArraySlice<UInt8>) -> UInt64? {
      let digits = field.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
      return digits.count > 11 ? nil : UInt64(String(decoding: digits, as: UTF8.self), radix: 8)
    }
  }
}
