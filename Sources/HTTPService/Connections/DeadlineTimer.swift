import NIOCore

/// Calls back once a deadline has passed. The deadline moves with every part that is read, so moving it later costs an
/// assignment: the task that was scheduled for the earlier one looks again.
final class DeadlineTimer {
  private let eventLoop: any EventLoop
  private let onExpiry: () -> Void
  private var scheduled: (at: NIODeadline, task: Scheduled<Void>)?

  var deadline: NIODeadline? {
    didSet {
      if let deadline, scheduled.map({ deadline < $0.at }) ?? true { schedule(deadline) }
    }
  }

  init(eventLoop: any EventLoop, onExpiry: @escaping () -> Void) {
    self.eventLoop = eventLoop
    self.onExpiry = onExpiry
  }

  func cancel() {
    deadline = nil
    scheduled?.task.cancel()
    scheduled = nil
  }

  private func schedule(_ time: NIODeadline) {
    scheduled?.task.cancel()
    let task = eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.fire() }
    scheduled = (time, task)
  }

  private func fire() {
    scheduled = nil
    guard let deadline else { return }
    guard deadline <= .now() else { return schedule(deadline) }
    onExpiry()
  }
}
