import Foundation
import MusterModel
import Synchronization

/// One thread that commits what waits. The disk sync blocks it and nothing else.
final class Committer: Sendable {
  typealias Answer = @Sendable ([GroupWriter.Outcome]) -> Void

  private struct Waiting: Sendable {
    let units: [PreparedUnit]
    let load: CommitLoad
    let answer: Answer
  }

  /// How many waiting entries make one group at most: it bounds how long the first of them waits for the last.
  private static let groupLimit = 512

  private let mailbox = Mailbox<Waiting>()
  private let queue: CommitQueue
  private let health = CommitHealth()
  private let end: Occurrence

  /// Starts the thread, which alone uses the writer from then on, and holds the lock until it ends.
  init(
    _ writer: sending GroupWriter, folder: DataFolder, lock: FolderLock, carrier: LogCarrier,
    capacity: CommitLoad = .capacity
  ) {
    queue = CommitQueue(capacity: capacity)
    let workplace = Handover(Workplace(writer: writer, note: CheckpointNote(folder), lock: lock, carrier: carrier))
    end = Occurrence.ofThread("committer") { [mailbox, queue, health] in
      if var workplace = workplace.take() { workplace.run(mailbox, queue, health) }
    }
  }

  /// `answer` is called on the committer's thread, with one outcome per unit, when the group's commit is on disk or
  /// has failed: it must only hand over. Where too much waits, it is called at once, on the caller's.
  func submit(_ units: [PreparedUnit], answer: @escaping Answer) {
    let load = CommitLoad(of: units)
    guard queue.enter(load) else { return answer(units.map { _ in .failure(.overloaded) }) }
    if !mailbox.put(Waiting(units: units, load: load, answer: answer)) {
      queue.leave(load)
      answer(units.map { _ in .failure(.stopped) })
    }
  }

  /// Why the last group was not committed; nil where it was.
  var outage: StoreOutage? { health.outage }

  /// Commits what waits, takes nothing more, and returns when the thread has let go of the database and the folder.
  func close() async {
    mailbox.close()
    await end.wait()
  }

  deinit { mailbox.close() }

  /// What only the thread touches.
  private struct Workplace {
    let writer: GroupWriter
    var note: CheckpointNote
    let lock: FolderLock
    let carrier: LogCarrier
    var upkeep = LogUpkeep()
    /// Set where what the disk holds is not certain, after a commit or behind one: everything is refused from then on.
    var isStopped = false

    mutating func run(_ mailbox: Mailbox<Waiting>, _ queue: CommitQueue, _ health: CommitHealth) {
      while let group = mailbox.take(atMost: groupLimit, before: note.due) {
        for waiting in group { queue.leave(waiting.load) }
        if !group.isEmpty { commit(group, health) }
        note.writeIfDue()
        emptyLogOfErased(health)
      }
      note.write()
      // What was brought last is nobody's to ask for any more.
      unlessTheDiskFails(health) { workplace throws(StoreError) in try workplace.carrier.settle() }
    }

    private mutating func commit(_ group: [Waiting], _ health: CommitHealth) {
      let units = group.flatMap(\.units)
      let outcomes = isStopped ? units.map { _ in .failure(.stopped) } : outcomes(of: units, health)
      note.offer(writer.note)
      // What is told to be gone is gone.
      emptyLogOfErased(health)
      var rest = outcomes[...]
      for waiting in group {
        waiting.answer(Array(rest.prefix(waiting.units.count)))
        rest = rest.dropFirst(waiting.units.count)
      }
      keepLogShort(health)
    }

    private mutating func keepLogShort(_ health: CommitHealth) {
      // What empties the log brings all of it.
      guard !writer.logHoldsErased else { return }
      unlessTheDiskFails(health) { workplace throws(StoreError) in
        let brought = try workplace.carrier.brought()
        switch workplace.upkeep.step(pages: workplace.writer.logPages, brought: brought) {
        case .nothing: break
        case .most: workplace.carrier.bring()
        case .rest: try workplace.writer.bringLog()
        }
      }
    }

    private mutating func emptyLogOfErased(_ health: CommitHealth) {
      guard writer.logHoldsErased else { return }
      unlessTheDiskFails(health) { workplace throws(StoreError) in
        // One at a time may empty it.
        try workplace.carrier.settle()
        try workplace.writer.emptyLogOfErased()
      }
    }

    /// Where it does, what was lost is in the log, which the next start brings over whole: nothing may be written over it.
    private mutating func unlessTheDiskFails(
      _ health: CommitHealth, _ body: (inout Workplace) throws(StoreError) -> Void
    ) {
      guard !isStopped else { return }
      do throws(StoreError) {
        try body(&self)
      } catch {
        stop()
        health.note(.stopped)
      }
    }

    private mutating func stop() {
      writer.keepLog()
      isStopped = true
    }

    private mutating func outcomes(of units: [PreparedUnit], _ health: CommitHealth) -> [GroupWriter.Outcome] {
      do throws(GroupWriter.Failure) {
        let outcomes = try writer.commit(units)
        health.note(nil)
        return outcomes
      } catch {
        health.note(error.outage)
        if case .uncertain = error { stop() }
        return units.map { _ in .failure(error.reason) }
      }
    }
  }
}
