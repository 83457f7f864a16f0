package import MusterModel

/// What every `WallClock` does.
package enum WallClockConformance {
  package static let all: [Requirement<any WallClock>] = [
    Requirement("a reading is a time that events can hold", readable),
    Requirement("readings do not run backwards", forwards),
    Requirement("readings from many tasks lie between one before and one after", shared),
  ]

  @Sendable private static func readable(_ clock: any WallClock) throws {
    let now = clock.now()
    try require(Timestamp("\(now)"), is: now, "the reading, written and read")
  }

  @Sendable private static func forwards(_ clock: any WallClock) throws {
    let readings = (0..<1000).map { _ in clock.now() }
    try require(zip(readings, readings.dropFirst()).allSatisfy { $0 <= $1 }, "no reading before another's")
  }

  @Sendable private static func shared(_ clock: any WallClock) async throws {
    let before = clock.now()
    let readings = await withTaskGroup(of: Timestamp.self) { group in
      for _ in 0..<64 { group.addTask { clock.now() } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    let after = clock.now()
    try require(readings.allSatisfy { before <= $0 && $0 <= after }, "readings from \(before) to \(after)")
  }
}
