import NIOCore

/// Runs the tasks of a connection on the connection's own event loop: what reads a request, hands it over and writes the
/// answer computes little, and each hop to another thread and back would cost a wake-up.
final class LoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
