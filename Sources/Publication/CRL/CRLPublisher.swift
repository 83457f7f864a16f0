public import MusterModel

/// Keeps CRLs ready: signs them ahead of their end and after a change, and revokes what ended with its renewal's overlap.
/// While the vault is sealed, the CRLs that are on disk go on being offered.
///
/// `run` is one task's, for as long as the service runs. Call `wake` after each commit that changed what is revoked
/// (`WakingStore` does), and after the vault was unsealed.
public final class CRLPublisher: Sendable {
  /// What may be fetched.
  public let offered: OfferedCRLs
  private let signal: WakeSignal
  private let demands = ListDemands()
  private let clock: any WallClock
  private let round: PublishingRound
  private let pause: @Sendable (Duration) async -> Void

  /// Loads what is on disk. `report` is told what failed in `run`, which goes on.
  /// Throws what the reader throws, and `PublicationError.unreadableCRL`.
  public convenience init(
    store: any Store, reader: any RevocationReader, authorities: any SigningAuthorities, clock: any WallClock,
    epoch: UInt32, report: @escaping @Sendable (any Error) -> Void
  ) async throws {
    try await self.init(
      store: store, reader: reader, authorities: authorities, clock: clock, epoch: epoch, report: report,
      pause: { try? await Task.sleep(for: $0) })
  }

  init(
    store: any Store, reader: any RevocationReader, authorities: any SigningAuthorities, clock: any WallClock,
    epoch: UInt32, report: @escaping @Sendable (any Error) -> Void, pause: @escaping @Sendable (Duration) async -> Void
  ) async throws {
    let offered = OfferedCRLs(try await reader.publishedCRLs().map { try OfferedCRL($0) })
    let signal = WakeSignal()
    round = PublishingRound(
      store: store, reader: reader, authorities: authorities, clock: clock, epoch: epoch, offered: offered,
      signal: signal, report: report)
    self.offered = offered
    self.signal = signal
    self.clock = clock
    self.pause = pause
  }

  /// What is revoked, or who can sign, is other than it was: look now. It returns at once.
  public func wake() { signal.change() }

  /// Signs every list of the issuers that can sign, whatever is due, and returns them once they are offered; none where no
  /// issuer can. Throws what kept one from it.
  public func publishNow(by author: ListAuthor) async throws -> [OfferedCRL] {
    try await withCheckedThrowingContinuation { answer in
      demands.put(.init(author: author, answer: answer))
      signal.ring()
    }
  }

  /// Publishes until the task is cancelled.
  public func run() async {
    demands.open()
    defer { demands.close() }
    var round = round
    while !Task.isCancelled {
      for demand in demands.take() {
        do { demand.answer.resume(returning: try await round.publishAll(by: demand.author)) } catch {
          demand.answer.resume(throwing: error)
        }
      }
      let next = await round.run()
      let now = clock.now()
      await wait(for: .milliseconds(max(0, next.milliseconds - now.milliseconds)))
    }
  }

  /// Until the time is over or somebody wakes us.
  private func wait(for duration: Duration) async {
    await withTaskGroup { group in
      group.addTask { await self.signal.wait() }
      group.addTask { await self.pause(duration) }
      await group.next()
      group.cancelAll()
    }
  }
}
