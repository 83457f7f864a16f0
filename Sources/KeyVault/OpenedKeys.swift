/// Keys that were opened not long ago: so many, for so long. The one that was opened first goes first.
struct OpenedKeys<Identity: Hashable & Sendable, Key: Sendable>: Sendable {
  private struct Entry {
    let key: Key
    let opened: ContinuousClock.Instant
  }

  private let limit: Int
  private let lifetime: Duration
  private var entries: [Identity: Entry] = [:]
  /// In the order in which they were opened, from `first` on; of one that was opened again or let go, more than `entries` has.
  private var order: [(identity: Identity, opened: ContinuousClock.Instant)] = []
  private var first = 0
  /// Those that were let go, for as long as one that was asked for before may still be on its way here.
  private var forgotten: [Identity: ContinuousClock.Instant] = [:]

  init(limit: Int, lifetime: Duration = .seconds(60)) {
    self.limit = limit
    self.lifetime = lifetime
  }

  /// nil where it is not there, or was for too long.
  func key(_ identity: Identity, at now: ContinuousClock.Instant = .now) -> Key? {
    guard let entry = entries[identity], !isOver(entry.opened, now) else { return nil }
    return entry.key
  }

  mutating func keep(_ key: Key, _ identity: Identity, at now: ContinuousClock.Instant = .now) {
    sweep(at: now)
    guard forgotten[identity] == nil else { return }
    entries[identity] = Entry(key: key, opened: now)
    order.append((identity, now))
    while entries.count > limit { dropFirst() }
  }

  mutating func forget(_ identity: Identity, at now: ContinuousClock.Instant = .now) {
    entries[identity] = nil
    forgotten[identity] = now
  }

  /// Lets go of what is open for too long.
  mutating func sweep(at now: ContinuousClock.Instant) {
    while first < order.count, isOver(order[first].opened, now) { dropFirst() }
    if !forgotten.isEmpty { forgotten = forgotten.filter { !isOver($0.value, now) } }
  }

  var count: Int { entries.count }

  private func isOver(_ opened: ContinuousClock.Instant, _ now: ContinuousClock.Instant) -> Bool {
    opened.duration(to: now) >= lifetime
  }

  private mutating func dropFirst() {
    let (identity, opened) = order[first]
    if entries[identity]?.opened == opened { entries[identity] = nil }
    first += 1
    // What was dropped is let go of once it is half, so that a step costs the same however many there are.
    if first * 2 > order.count {
      order.removeFirst(first)
      first = 0
    }
  }
}
