/// When a group of what waits begins, and how many it takes: a value, told what comes and goes.
struct GroupForming {
  /// How many one group takes at most.
  static let limit = 64

  private var waiting = 0
  /// How many groups are being prepared or committed.
  private var groups = 0
  /// How many the last group had.
  private var lastGroup = 0
  /// How many are to wait before the group that waits for company is told; nil where none does.
  private var awaited: Int?

  /// Whether with these the company is there that a group waits for: it is told so once.
  mutating func came(_ count: Int) -> Bool {
    waiting += count
    guard let awaited, waiting >= awaited else { return false }
    self.awaited = nil
    return true
  }

  /// Whether a group begins: where none is at work and something waits, or where a full one does.
  mutating func begins() -> Bool {
    let begins = groups == 0 ? waiting > 0 : waiting >= GroupForming.limit
    if begins { groups += 1 }
    return begins
  }

  /// How many a group takes beside those that it has. Where nothing waits, whether it lacks some that the last group had, if
  /// it is patient: then `came` tells once as many are there. A group that has none waits for none, and of two that are
  /// prepared at once neither does.
  mutating func take(beside taken: Int, isPatient: Bool) -> (count: Int, lacks: Bool) {
    let count = min(GroupForming.limit - taken, waiting)
    waiting -= count
    let lacking = min(lastGroup, GroupForming.limit) - taken
    awaited = isPatient && count == 0 && taken > 0 && lacking > 0 && groups == 1 ? lacking : nil
    return (count, awaited != nil)
  }

  /// A group has all that it takes. One that found nothing says nothing of how many come together.
  mutating func prepared(_ taken: Int) {
    if taken > 0 { (lastGroup, awaited) = (taken, nil) }
  }

  /// A group is over; some of it waits again.
  mutating func ended(again: Int) {
    groups -= 1
    waiting += again
  }
}
