import Foundation
import MusterModel
import Synchronization

/// How far a run is, on standard error: one line that is written over on a terminal, a line now and then elsewhere.
final class RunProgress: Sendable {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let began = ContinuousClock.now
  /// What becomes of boards: made, or allowed.
  private let done: String
  private let shown = Mutex<ContinuousClock.Instant?>(nil)

  init(_ done: String) { self.done = done }

  /// `part` is how much of the manifest is read, from 0 to 1.
  func show(_ counts: RunCounts, _ part: Double) {
    let pause: Duration = isTerminal ? .milliseconds(200) : .seconds(5)
    let isDue = shown.withLock { shown in
      guard shown.map({ $0.duration(to: .now) >= pause }) ?? !isTerminal || isTerminal else { return false }
      shown = .now
      return true
    }
    guard isDue else { return }
    write(line(counts, part))
  }

  /// What befell, without end.
  func note(_ text: String) {
    if isTerminal { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
    standardError("muster: \(text)")
  }

  func end() {
    if isTerminal { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
  }

  private func line(_ counts: RunCounts, _ part: Double) -> String {
    let seconds = began.duration(to: .now) / .seconds(1)
    let rate = Double(counts.made) / max(seconds, 0.001)
    let left = part > 0 && part < 1 ? Int(seconds / part - seconds) : 0
    return "\(counts.made) \(done), \(counts.refused) refused, \(Int(part * 100)) % of the manifest, "
      + "\(Int(rate))/s, \(left) s left"
  }

  private func write(_ line: String) {
    if isTerminal {
      FileHandle.standardError.write(Data("\r\u{1b}[K\(line)".utf8))
    } else {
      standardError("muster: \(line)")
    }
  }
}
