import Foundation
import Synchronization

/// The system's generator, asked once for many bytes: `SystemRandomNumberGenerator` makes a system call for each eight.
enum SystemRandomBytes {
  /// What one call of getentropy(3) gives at most.
  private static let limit = 256

  static func fill(_ buffer: UnsafeMutableRawBufferPointer) {
    for start in stride(from: 0, to: buffer.count, by: limit) {
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<min(start + limit, buffer.count)])
      guard let address = part.baseAddress, getentropy(address, part.count) == 0 else {
        // It fails where the kernel has no such call; the library's generator knows other ways, or ends the process.
        var generator = SystemRandomNumberGenerator()
        for index in part.indices { part[index] = generator.next() }
        continue
      }
    }
  }

  /// Words that were fetched and not given out yet.
  private static let supply = Mutex<[UInt64]>([])

  /// Two random words, for what everyone may see: one call of the system serves sixteen callers, and no two are given the
  /// same.
  static func words() -> (UInt64, UInt64) {
    supply.withLock { supply in
      if supply.isEmpty {
        supply = Array(repeating: 0, count: limit / MemoryLayout<UInt64>.size)
        supply.withUnsafeMutableBytes { fill($0) }
      }
      return (supply.removeLast(), supply.removeLast())
    }
  }
}
