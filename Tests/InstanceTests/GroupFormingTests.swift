import Testing

@testable import Enrollment

/// When groups of enrollments begin and how many they take, without threads.
@Suite struct GroupFormingTests {
  /// The value behind a reference, so that what it is told can stand in an expectation.
  private final class Forming {
    private var value = GroupForming()

    func came(_ count: Int) -> Bool { value.came(count) }
    func begins() -> Bool { value.begins() }
    func take(beside taken: Int, isPatient: Bool = true) -> (count: Int, lacks: Bool) {
      value.take(beside: taken, isPatient: isPatient)
    }
    func prepared(_ taken: Int) { value.prepared(taken) }
    func ended(again: Int) { value.ended(again: again) }
  }

  /// A group that ends with what it has.
  private func whole(_ forming: Forming, _ count: Int) {
    _ = forming.came(count)
    #expect(forming.begins())
    #expect(forming.take(beside: 0).count == count)
    forming.prepared(count)
    forming.ended(again: 0)
  }

  @Test func `one that asks alone waits for nobody`() {
    let forming = Forming()
    for _ in 0..<3 {
      _ = forming.came(1)
      #expect(forming.begins() && !forming.begins())
      #expect(forming.take(beside: 0) == (1, false))
      #expect(forming.take(beside: 1) == (0, false))
      forming.prepared(1)
      forming.ended(again: 0)
    }
  }

  @Test func `a group waits for as many as the last one had, and is told once when they are there`() {
    let forming = Forming()
    whole(forming, 16)
    _ = forming.came(5)
    #expect(forming.begins())
    #expect(forming.take(beside: 0) == (5, false))
    #expect(forming.take(beside: 5) == (0, true))
    #expect(!forming.came(10))
    #expect(forming.came(1))
    #expect(!forming.came(1), "told twice")
    #expect(forming.take(beside: 5) == (12, false))
    #expect(forming.take(beside: 17) == (0, false))
  }

  @Test func `who gives up waiting leaves nothing behind, and the next waits for as many as there were`() {
    let forming = Forming()
    whole(forming, 16)
    _ = forming.came(5)
    #expect(forming.begins())
    #expect(forming.take(beside: 0).count == 5)
    #expect(forming.take(beside: 5) == (0, true))
    #expect(forming.take(beside: 5, isPatient: false) == (0, false))
    #expect(!forming.came(11), "nobody waits any more")
    forming.prepared(5)
    forming.ended(again: 0)
    #expect(forming.begins())
    #expect(forming.take(beside: 0) == (11, false))
    #expect(forming.take(beside: 11) == (0, false))
  }

  @Test func `a full group takes no more, and another begins beside it only for a full one more`() {
    let forming = Forming()
    _ = forming.came(GroupForming.limit + 10)
    #expect(forming.begins() && forming.begins())
    #expect(forming.take(beside: 0) == (GroupForming.limit, false))
    #expect(forming.take(beside: GroupForming.limit) == (0, false))
    forming.prepared(GroupForming.limit)
    #expect(forming.take(beside: 0) == (10, false))
    #expect(forming.take(beside: 10) == (0, false), "of two that are prepared at once neither waits")
    _ = forming.came(GroupForming.limit - 1)
    #expect(!forming.begins())
    _ = forming.came(1)
    #expect(forming.begins())
  }

  @Test func `a group that finds nothing waits for nobody, and forgets not how many the last one had`() {
    let forming = Forming()
    whole(forming, 16)
    _ = forming.came(2)
    #expect(forming.begins())
    #expect(forming.take(beside: 0).count == 2)
    forming.ended(again: 0)
    _ = forming.came(GroupForming.limit)
    #expect(forming.begins() && forming.begins())
    #expect(forming.take(beside: 0).count == GroupForming.limit)
    #expect(forming.take(beside: 0) == (0, false))
    forming.prepared(0)
    forming.ended(again: 0)
    forming.ended(again: 0)
    _ = forming.came(1)
    #expect(forming.begins())
    #expect(forming.take(beside: 0).count == 1)
    #expect(forming.take(beside: 1) == (0, true))
  }

  @Test func `what is to be decided again waits as what comes anew does`() {
    let forming = Forming()
    _ = forming.came(3)
    #expect(forming.begins())
    #expect(forming.take(beside: 0).count == 3)
    forming.prepared(3)
    forming.ended(again: 2)
    #expect(forming.begins())
    #expect(forming.take(beside: 0).count == 2)
  }
}
