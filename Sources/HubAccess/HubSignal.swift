public import MusterModel
import Synchronization

/// Wakes polls by the commit that they wait for. Who waits is on record here, so that a commit asks about those hubs alone
/// and a poll costs nothing while nothing happens.
public final class HubSignal: Sendable {
  /// The most polls of one hub that wait at a time: more are answered at once.
  static let pollLimit = 8

  private struct State {
    var last: UInt64 = 0
    var waiting: [RecordID: [UInt64: AsyncStream<Void>.Continuation]] = [:]
    var isClosed = false
  }

  private let state = Mutex(State())

  public init() {}

  /// The hubs for which somebody waits.
  public var awaited: [RecordID] { state.withLock { Array($0.waiting.keys) } }

  /// A commit changed what these hubs must know. Called on the committer's thread: it only hands over.
  public func changed(_ hubs: [RecordID]) {
    for continuation in state.withLock({ state in hubs.flatMap { state.waiting[$0]?.values.map(\.self) ?? [] } }) {
      continuation.yield()
    }
  }

  /// The service ends: nobody waits any longer.
  public func close() {
    let all = state.withLock { state in
      state.isClosed = true
      return state.waiting.values.flatMap { $0.values.map(\.self) }
    }
    for continuation in all { continuation.yield() }
  }

  /// One element, at least, for each change from now on, until the stream is let go of. nil where nobody may wait.
  func changes(for hub: RecordID) -> AsyncStream<Void>? {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let number: UInt64? = state.withLock { state in
      guard !state.isClosed, state.waiting[hub, default: [:]].count < HubSignal.pollLimit else { return nil }
      state.last += 1
      state.waiting[hub, default: [:]][state.last] = continuation
      return state.last
    }
    guard let number else { return nil }
    continuation.onTermination = { [self] _ in
      state.withLock { state in
        state.waiting[hub]?[number] = nil
        if state.waiting[hub]?.isEmpty == true { state.waiting[hub] = nil }
      }
    }
    return stream
  }
}
