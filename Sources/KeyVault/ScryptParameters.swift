/// scrypt's cost (RFC 7914 §2): N = 2^log2N, block size r, parallelism p; memory is 128 · N · r bytes.
public struct ScryptParameters: Sendable, Hashable, CustomStringConvertible {
  public let log2N: UInt8
  public let r: UInt8
  public let p: UInt8

  /// N = 2¹⁶, r = 8, p = 1: 64 MiB.
  public static let standard = ScryptParameters(trusted: 16, r: 8, p: 1)

  static let rule = "N of 2^14 to 2^18, r of 8, p of 1 to 4"

  /// Bounded, so that a hostile slot cannot make us compute for ever or take all memory (256 MiB is the most), and
  /// none can make a code cheap to guess.
  init(log2N: UInt8, r: UInt8, p: UInt8) throws(VaultError) {
    self.init(trusted: log2N, r: r, p: p)
    guard (14...18).contains(log2N), r == 8, (1...4).contains(p) else { throw .parameters(self) }
  }

  private init(trusted log2N: UInt8, r: UInt8, p: UInt8) {
    self.log2N = log2N
    self.r = r
    self.p = p
  }

  var bytes: [UInt8] { [log2N, r, p] }

  public var description: String { "N of 2^\(log2N), r of \(r), p of \(p)" }
}
