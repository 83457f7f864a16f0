/// Into how many shares a slot's secret is split, and how many of them give it back.
public struct Quorum: Sendable, Hashable, CustomStringConvertible {
  /// Of all shares; as many suffice at least and at most.
  public static let counts = 2...16

  public let needed: UInt8
  public let count: UInt8

  /// Throws `quorum` for fewer than two, for more than sixteen, and where more are needed than there are.
  public init(_ needed: Int, of count: Int) throws(VaultError) {
    guard Quorum.counts.contains(count), (2...count).contains(needed) else {
      throw .quorum(needed: needed, count: count)
    }
    self.needed = UInt8(needed)
    self.count = UInt8(count)
  }

  /// In the place of scrypt's cost in a slot.
  var bytes: [UInt8] { [0, needed, count] }

  init(_ bytes: [UInt8]) throws(VaultError) {
    guard bytes.count == 3, bytes[0] == 0 else { throw .malformedSlot("a cost of scrypt for shares") }
    try self.init(Int(bytes[1]), of: Int(bytes[2]))
  }

  public var description: String { "\(needed) of \(count)" }
}
