import MusterModel
import MusterTesting
import Testing

@Suite struct ClockTests {
  @Test(arguments: WallClockConformance.all)
  func `the system's clock is a WallClock`(_ requirement: Requirement<any WallClock>) async throws {
    try await requirement.check(SystemClock())
  }

  @Test(arguments: WallClockConformance.all)
  func `the tests' clock is a WallClock`(_ requirement: Requirement<any WallClock>) async throws {
    try await requirement.check(FixedClock())
  }

  @Test func `the tests' clock stands until it is told otherwise`() {
    let clock = FixedClock(Timestamp(milliseconds: 1000))
    clock.advance(.seconds(2))
    #expect(clock.now() == Timestamp(milliseconds: 3000))
    clock.set(Timestamp(milliseconds: 500))
    #expect(clock.now() == Timestamp(milliseconds: 500))
  }
}
