import MusterModel
import Synchronization

/// Dates as HTTP writes them (IMF-fixdate, RFC 9110 §5.6.7).
enum HTTPDate {
  /// The second that was written last: every answer has one.
  private static let last = Mutex((second: Int64.min, text: ""))

  /// `time` is not before 1970.
  static func text(_ time: Timestamp) -> String {
    last.withLock { last in
      if last.second != time.seconds { last = (time.seconds, written(time)) }
      return last.text
    }
  }

  private static func written(_ time: Timestamp) -> String {
    let parts = CivilTime(time)
    // 1970-01-01 was a Thursday.
    let weekday = weekdays[Int((max(0, time.seconds) / 86_400 + 3) % 7)]
    let day = "\(two(parts.day)) \(months[parts.month - 1]) \(two(parts.year / 100))\(two(parts.year % 100))"
    return "\(weekday), \(day) \(two(parts.hour)):\(two(parts.minute)):\(two(parts.second)) GMT"
  }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
}
