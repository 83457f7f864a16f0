import HTTPTypes

@testable import HTTPService

/// A route that is answered once it is let go of.
struct HeldRoute: Sendable {
  private let entered = AsyncStream<Void>.makeStream()
  private let leave = AsyncStream<Void>.makeStream()

  /// `GET /slow`, on the plain listener too; `last` is what it does before it answers.
  func route(_ last: @escaping @Sendable () async -> Void = {}) -> Route {
    .anyone(.get, "/slow", .init(isPlain: true)) { [entered, leave] _ in
      entered.continuation.yield()
      for await _ in leave.stream { break }
      await last()
      return .text("finished")
    }
  }

  /// Returns once it was asked for.
  func isAsked() async { for await _ in entered.stream { break } }

  func letGo() { leave.continuation.yield() }
}
