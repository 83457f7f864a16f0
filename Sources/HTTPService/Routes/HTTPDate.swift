import MusterModel

/// Dates as HTTP writes them (IMF-fixdate, RFC 9110 §5.6.7).
enum HTTPDate {
  /// `time` is not before 1970.
  static func text(_ time: Timestamp) -> String {
    // `yyyy-mm-ddThh:mm:ss.fffZ`
    let text = Array(time.description)
    let month = months[(Int(String(text[5...6])) ?? 1) - 1]
    // 1970-01-01 was a Thursday.
    let weekday = weekdays[Int((max(0, time.seconds) / 86_400 + 3) % 7)]
    return "\(weekday), \(String(text[8...9])) \(month) \(String(text[0...3])) \(String(text[11...18])) GMT"
  }

  private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
}
