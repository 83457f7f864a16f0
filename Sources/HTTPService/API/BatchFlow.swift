import Enrollment
import HummingbirdCore
import MusterModel
import NIOCore

/// A batch on its way: rows are read while others are prepared and committed, and what came of them is sent. Little is
/// held: who sends faster than can be worked waits, and so does who does not take the answers.
struct BatchFlow: Sendable {
  let enrollment: DeviceEnrollment
  let rows: BatchRows
  /// Counts what was refused and is no event.
  let refused: @Sendable (Refusal) -> Void

  /// The most rows that are prepared and committed together.
  private static let chunk = 128
  /// How many chunks are worked on at a time: one is prepared while the other is written.
  private static let lanes = 2
  /// Above so many waiting rows no more are read.
  private static let waitingLimit = 256

  private enum Happening: Sendable {
    case piece(ByteBuffer)
    /// The body ended, or broke off.
    case end
    case results([UInt8])
  }

  /// What is known of the batch at a moment.
  private struct State {
    var reading: BatchReading<BatchRows.Row>
    var waiting: [BatchRows.Row] = []
    var working = 0
    var isReading = true
    var isAtEnd = false

    var isDone: Bool { isAtEnd && waiting.isEmpty && working == 0 }
  }

  func run(_ body: RequestBody, head: BatchHead, to writer: inout any ResponseBodyWriter) async throws {
    try await writer.write(ByteBuffer(bytes: JSONWriter.bytes(of: head) + [UInt8(ascii: "\n")]))
    let (happenings, happen) = AsyncStream.makeStream(of: Happening.self)
    let (wishes, wish) = AsyncStream.makeStream(of: Void.self)
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask { await read(body, wishes, happen) }
      wish.yield()
      var state = State(reading: BatchReading { rows.row($0) })
      for await happening in happenings {
        switch happening {
        case .piece(let piece):
          state.isReading = false
          state.waiting += state.reading.rows(in: piece)
        case .end: state.isAtEnd = true
        case .results(let lines):
          state.working -= 1
          try await writer.write(ByteBuffer(bytes: lines))
        }
        while let chunk = nextChunk(&state) {
          group.addTask { happen.yield(.results(await work(chunk))) }
        }
        if state.reading.isBroken { state.isAtEnd = true }
        if !state.isReading, !state.isAtEnd, state.waiting.count < BatchFlow.waitingLimit {
          state.isReading = true
          wish.yield()
        }
        if state.isDone { break }
      }
      if state.reading.isBroken { try await writer.write(BatchReading<BatchRows.Row>.brokenLine) }
      group.cancelAll()
    }
    try await writer.finish(nil)
  }

  /// A piece for each wish.
  private func read(
    _ body: RequestBody, _ wishes: AsyncStream<Void>, _ happen: AsyncStream<Happening>.Continuation
  ) async {
    var pieces = body.makeAsyncIterator()
    for await _ in wishes {
      guard let piece = try? await pieces.next() else { break }
      happen.yield(.piece(piece))
    }
    happen.yield(.end)
  }

  private func nextChunk(_ state: inout State) -> [BatchRows.Row]? {
    guard !state.waiting.isEmpty, state.working < BatchFlow.lanes else { return nil }
    let chunk = Array(state.waiting.prefix(BatchFlow.chunk))
    state.waiting.removeFirst(chunk.count)
    state.working += 1
    return chunk
  }

  /// The lines of a chunk's results, in the order of its rows.
  private func work(_ chunk: [BatchRows.Row]) async -> [UInt8] {
    let requests = chunk.compactMap { try? $0.request.get() }
    var outcomes = await enrollment.enroll(requests)[...]
    var lines = JSONWriter(capacity: 2560 * chunk.count)
    for row in chunk {
      let outcome: Outcome<Enrolled> =
        switch row.request {
        case .failure(let refusal): .refused(refusal)
        case .success: BatchFlow.outcome(outcomes.popFirst())
        }
      if case .refused(let refusal) = outcome, refusal.isToBeCounted { refused(refusal) }
      lines.line(BatchLine(row: row.number, outcome: outcome))
    }
    return lines.bytes
  }

  static func outcome(_ result: Result<Outcome<Enrolled>, any Error>?) -> Outcome<Enrolled> {
    switch result {
    case .success(let outcome): outcome
    case .failure(let failure as KeyKeeperFailure): .refused(.keyOutOfReach(failure))
    case .failure, nil: .refused(.notCommitted)
    }
  }
}

extension Refusal {
  /// The store could not say that it is on disk: the same is to be asked again.
  static let notCommitted = Refusal(
    .unavailable, "not-committed", "expected the enrollment to be written, found it is not known to be")
}
