/// Bytes near those of a corpus, the same in every run: what a fuzzer tries first.
struct Mutation {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// One to four changes, some of them with a piece of `other`.
  mutating func mutate(_ bytes: [UInt8], with other: [UInt8], upTo longest: Int) -> [UInt8] {
    var bytes = bytes
    for _ in 0...below(4) { change(&bytes, other) }
    return Array(bytes.prefix(longest))
  }

  private mutating func change(_ bytes: inout [UInt8], _ other: [UInt8]) {
    let range = range(of: bytes)
    switch below(8) {
    case 0 where !bytes.isEmpty: bytes[below(bytes.count)] ^= 1 << UInt8(below(8))
    case 1 where !bytes.isEmpty: bytes[below(bytes.count)] = striking[below(striking.count)]
    case 2: bytes.insert(striking[below(striking.count)], at: below(bytes.count + 1))
    case 3: bytes.removeSubrange(range)
    case 4: bytes.insert(contentsOf: bytes[range], at: below(bytes.count + 1))
    case 5: bytes.removeLast(below(bytes.count + 1))
    case 6: bytes.replaceSubrange(range, with: other[self.range(of: other)])
    default: bytes.insert(contentsOf: other[self.range(of: other)], at: below(bytes.count + 1))
    }
  }

  private mutating func range(of bytes: [UInt8]) -> Range<Int> {
    let start = below(bytes.count + 1)
    return start..<start + below(min(bytes.count - start, 64) + 1)
  }

  /// SplitMix64 (Steele, Lea, Flood 2014).
  private mutating func below(_ limit: Int) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return Int((word ^ word >> 31) % UInt64(limit))
  }
}

/// What parsers stumble over: ends of ranges, separators, quotes, the first bytes of longer characters.
private let striking: [UInt8] =
  [0, 1, 0x7f, 0x80, 0x81, 0x82, 0xff] + Array("\n\r\t \"%&'*+,-./:;=?[\\]_{}09AFaf".utf8) + [0xc3, 0xcc]
