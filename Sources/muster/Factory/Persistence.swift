/// What `ask` answers; asked again while it answers nil or the service is gone, as long as a run would.
func persisting<Answer>(_ ask: () async throws -> Answer?) async throws -> Answer {
  let began = ContinuousClock.now
  while true {
    do {
      if let answer = try await ask() { return answer }
    } catch let failure as CommandFailure where !failure.isPassing {
      throw failure
    } catch {
      standardError("muster: the connection broke: \(error); going on")
    }
    guard began.duration(to: .now) < .seconds(30) else {
      throw CommandFailure(
        "expected the service to answer, found it gone for 30 s: the same command goes on where this one stopped")
    }
    try await Task.sleep(for: .milliseconds(200))
  }
}

/// Fewer lines came than were asked for.
struct AnswerCutOff: Error, CustomStringConvertible {
  let description = "the answer was cut off"
}
