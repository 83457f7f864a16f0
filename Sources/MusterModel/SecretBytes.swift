public import Foundation

/// Bytes that must not be seen: held in memory of their own, never moved by copying, overwritten when the last holder
/// lets go, compared in constant time, and without a description.
public final class SecretBytes: Sendable, CustomStringConvertible, CustomReflectable {
  private let storage: Storage

  /// The allocation alone; immutable once filled, so that sharing it is safe.
  private struct Storage: @unchecked Sendable {
    let buffer: UnsafeMutableRawBufferPointer
  }

  /// `fill` writes the secret straight into its final place.
  public init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
    storage = Storage(buffer: buffer)
    try fill(buffer)
  }

  public convenience init(copying bytes: some Collection<UInt8>) {
    self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
  }

  /// `count` bytes of the system's generator.
  public static func random(count: Int) -> SecretBytes {
    SecretBytes(count: count) { buffer in
      SystemRandomBytes.fill(buffer)
    }
  }

  public var count: Int { storage.buffer.count }

  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try body(UnsafeRawBufferPointer(storage.buffer))
  }

  /// Equality in time that depends on the lengths alone.
  public func isEqual(to other: SecretBytes) -> Bool { constantTimeEqual(storage.buffer, other.storage.buffer) }

  public var description: String { "SecretBytes(\(count))" }
  public var customMirror: Mirror { Mirror(self, children: []) }

  deinit {
    if let start = storage.buffer.baseAddress { explicit_bzero(start, storage.buffer.count) }
    storage.buffer.deallocate()
  }
}

extension SecretBytes {
  /// The longest line of a file that is a secret, in bytes.
  public static let lineLimit = 4096

  /// The first line of a secret's file, without its end; nil where it is empty or longer than `lineLimit`. What was read of
  /// the file is overwritten. Throws what reading throws.
  public static func firstLine(of file: FileHandle) throws -> SecretBytes? {
    var data = try file.read(upToCount: lineLimit + 1) ?? Data()
    defer { data.resetBytes(in: 0..<data.count) }
    let line = data.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    return (1...lineLimit).contains(line.count) ? SecretBytes(copying: line) : nil
  }
}

/// Compares without telling by its time where the difference is.
public func constantTimeEqual(_ left: Digest, _ right: Digest) -> Bool {
  left.withUnsafeBytes { left in right.withUnsafeBytes { right in constantTimeEqual(left, right) } }
}

/// The same of any bytes, in time that depends on their number alone. Inlinable: for a room's own types it is compiled there.
@inlinable public func constantTimeEqual(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
  guard left.count == right.count else { return false }
  return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
}
