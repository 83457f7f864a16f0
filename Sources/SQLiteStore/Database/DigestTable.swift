/// Some ten thousand digests by their prefix: open addressing, for prefixes stand at random by themselves.
struct DigestTable {
  struct Entry {
    let prefix: UInt32
    let row: Int64
  }

  /// The prefix above the row's distance from `start`, which is at least 1; 0 where nothing is.
  private var slots: [UInt64] = []
  private var start: Int64 = 0
  private(set) var count = 0

  var entries: [Entry] { slots.lazy.filter { $0 != 0 }.map(entry) }

  private func entry(_ slot: UInt64) -> Entry {
    Entry(prefix: UInt32(truncatingIfNeeded: slot >> 32), row: start + Int64(slot & 0xffff_ffff))
  }

  func rows(_ prefix: UInt32) -> [Int64] {
    guard count > 0 else { return [] }
    var rows: [Int64] = []
    var place = place(of: prefix)
    while slots[place] != 0 {
      if slots[place] >> 32 == prefix { rows.append(entry(slots[place]).row) }
      place = (place + 1) & (slots.count - 1)
    }
    return rows
  }

  mutating func insert(_ entry: Entry) {
    if count == 0 { start = entry.row - 1 }
    if 4 * (count + 1) > 3 * slots.count { grow() }
    var place = place(of: entry.prefix)
    while slots[place] != 0 { place = (place + 1) & (slots.count - 1) }
    slots[place] = UInt64(entry.prefix) << 32 | UInt64(entry.row - start)
    count += 1
  }

  /// Those of some rows.
  func filtered(_ isKept: (Int64) -> Bool) -> DigestTable {
    var rest = DigestTable()
    // In the order of the rows: the first is what the others are counted from.
    for entry in entries.filter({ isKept($0.row) }).sorted(by: { $0.row < $1.row }) { rest.insert(entry) }
    return rest
  }

  private func place(of prefix: UInt32) -> Int {
    Int(prefix >> UInt32(32 - slots.count.trailingZeroBitCount))
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: max(1024, 2 * old.count))
    for slot in old where slot != 0 {
      var place = place(of: UInt32(truncatingIfNeeded: slot >> 32))
      while slots[place] != 0 { place = (place + 1) & (slots.count - 1) }
      slots[place] = slot
    }
  }
}
