/// A point in time: milliseconds since 1970-01-01T00:00:00Z, written as RFC 3339 UTC with milliseconds.
public struct Timestamp: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  public let milliseconds: Int64

  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  public static func + (time: Timestamp, duration: Duration) -> Timestamp {
    let (seconds, attoseconds) = duration.components
    return Timestamp(milliseconds: time.milliseconds + seconds * 1000 + attoseconds / 1_000_000_000_000_000)
  }

  public static func - (time: Timestamp, duration: Duration) -> Timestamp { time + (.zero - duration) }

  /// Seconds since 1970, the fraction dropped.
  public var seconds: Int64 { milliseconds.flooredQuotient(1000) }

  /// The same time with its milliseconds dropped: what a certificate can say.
  public var wholeSeconds: Timestamp { Timestamp(milliseconds: seconds * 1000) }

  public var description: String {
    var text: [UInt8] = []
    text.reserveCapacity(24)
    write(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends what `description` says.
  func write(to text: inout [UInt8]) {
    let parts = CivilTime(self)
    append(parts.year, 4, "-", to: &text)
    append(parts.month, 2, "-", to: &text)
    append(parts.day, 2, "T", to: &text)
    append(parts.hour, 2, ":", to: &text)
    append(parts.minute, 2, ":", to: &text)
    append(parts.second, 2, ".", to: &text)
    append(parts.millisecond, 3, "Z", to: &text)
  }

  /// Reads `yyyy-mm-ddThh:mm:ss[.fff]Z`; nil for anything else, so that each time has one form.
  public init?(_ text: some StringProtocol) {
    let characters = Array(text.utf8)
    guard characters.count == 20 || characters.count == 24, characters.last == UInt8(ascii: "Z") else { return nil }
    for (offset, separator) in zip([4, 7, 10, 13, 16], "--T::".utf8) {
      guard characters[offset] == separator else { return nil }
    }
    func number(_ range: Range<Int>) -> Int? {
      var value = 0
      for character in characters[range] {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) else { return nil }
        value = value * 10 + Int(character - UInt8(ascii: "0"))
      }
      return value
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19)
    else { return nil }
    var millisecond = 0
    if characters.count == 24 {
      guard characters[19] == UInt8(ascii: "."), let fraction = number(20..<23) else { return nil }
      millisecond = fraction
    }
    let parts = CivilTime(
      year: year, month: month, day: day, hour: hour, minute: minute, second: second, millisecond: millisecond)
    guard let time = parts.timestamp else { return nil }
    self = time
  }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let time = Timestamp(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected an RFC 3339 time in UTC, found \(text)"))
    }
    self = time
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

private func append(_ number: Int, _ width: Int, _ separator: Unicode.Scalar, to text: inout [UInt8]) {
  var divisor = 1
  for _ in 1..<width { divisor *= 10 }
  while divisor > 0 {
    text.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
    divisor /= 10
  }
  text.append(UInt8(ascii: separator))
}

/// A UTC time by the proleptic Gregorian calendar, computed without a calendar object: certificates and events ask
/// for it thousands of times a second. The conversion is Howard Hinnant's `days_from_civil`.
public struct CivilTime: Hashable, Sendable {
  public var year, month, day, hour, minute, second, millisecond: Int

  public init(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, millisecond: Int = 0
  ) {
    (self.year, self.month, self.day) = (year, month, day)
    (self.hour, self.minute, self.second, self.millisecond) = (hour, minute, second, millisecond)
  }

  public init(_ time: Timestamp) {
    let days = Int(time.milliseconds.flooredQuotient(86_400_000))
    let rest = Int(time.milliseconds) - days * 86_400_000
    let shifted = days + 719_468
    let era = Int(Int64(shifted).flooredQuotient(146_097))
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let march = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * march + 2) / 5 + 1
    month = march < 10 ? march + 3 : march - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    hour = rest / 3_600_000
    minute = rest / 60_000 % 60
    second = rest / 1000 % 60
    millisecond = rest % 1000
  }

  /// nil where a part is out of its range (no leap seconds, years 1 to 9999).
  public var timestamp: Timestamp? {
    guard (1...9999).contains(year), (1...12).contains(month), (1...daysInMonth).contains(day),
      (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second), (0...999).contains(millisecond)
    else { return nil }
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = Int64(era * 146_097 + dayOfEra - 719_468)
    let seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    return Timestamp(milliseconds: seconds * 1000 + Int64(millisecond))
  }

  private var daysInMonth: Int {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }
}

extension Int64 {
  /// The quotient rounded towards negative infinity.
  func flooredQuotient(_ divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
