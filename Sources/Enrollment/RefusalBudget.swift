import Ledger
import MusterModel
import Synchronization

/// Which refusals of known callers get an event of their own: some a minute and caller, so that who was let in once
/// cannot lengthen the ledger at will. All others are counted with the strangers'. Of each code some are recorded, so that
/// what a caller sends in a loop does not hide why something else was refused.
public final class RefusalBudget: Sendable {
  static let eventsPerCode = 4
  static let eventsPerCaller = 16
  static let window = Duration.seconds(60)
  /// The most callers that are remembered; the refusals of more of them in one minute are counted.
  static let callers = 65_536

  private struct Window {
    let began: Timestamp
    /// Codes of the events since; at most `eventsPerCaller`.
    var codes: [String] = []
  }

  private let windows = Mutex<[String: Window]>([:])

  public init() {}

  /// The event to be committed, nil where the budget has no room; and the refusal, knowing whether there is one.
  func weigh(_ refusal: Refusal, _ event: Event?) -> (Refusal, Event?) {
    var refusal = refusal
    refusal.isRecorded = event.map { takes(refusal.code, of: RefusalBudget.caller($0), at: $0.at) } ?? false
    return (refusal, refusal.isRecorded ? event : nil)
  }

  /// Who showed a maker's certificate is known by the hardware.
  private static func caller(_ event: Event) -> String {
    event.by.record?.description ?? event.on.first?.name ?? event.by.description
  }

  private func takes(_ code: String, of caller: String, at now: Timestamp) -> Bool {
    windows.withLock { windows in
      let known = windows[caller].flatMap { RefusalBudget.isOpen($0, at: now) ? $0 : nil }
      if known == nil, windows[caller] == nil, windows.count >= RefusalBudget.callers {
        windows = windows.filter { RefusalBudget.isOpen($0.value, at: now) }
        guard windows.count < RefusalBudget.callers else { return false }
      }
      var window = known ?? Window(began: now)
      guard window.codes.count < RefusalBudget.eventsPerCaller,
        window.codes.count(where: { $0 == code }) < RefusalBudget.eventsPerCode
      else { return false }
      window.codes.append(code)
      windows[caller] = window
      return true
    }
  }

  /// A window that began in what is now the future, as after a clock was set back, is over.
  private static func isOpen(_ window: Window, at now: Timestamp) -> Bool {
    window.began <= now && now < window.began + RefusalBudget.window
  }
}
