import Foundation

/// Lines over a logarithmic or even axis, as an SVG element.
struct Plot {
  struct Series {
    let name: String
    let points: [(x: Double, y: Double)]
  }

  let title: String
  let xTitle: String
  let yTitle: String
  let xTicks: [(value: Double, text: String)]
  let isXLogarithmic: Bool
  let series: [Series]

  private static let (width, height) = (760.0, 360.0)
  private static let (left, right, top, bottom) = (64.0, 230.0, 34.0, 46.0)
  /// Told apart by who sees few colors, on light and dark.
  private static let colors = ["#3b7dd8", "#d9822b", "#3a9d5d", "#b4508f", "#7a6ad8", "#a08a2c", "#c8473f", "#2f9fa8"]

  /// The element. What has no points above zero is left out: the axis of values is logarithmic.
  var svg: String {
    let shown = series.map { Series(name: $0.name, points: $0.points.filter { $0.y > 0 }) }.filter {
      !$0.points.isEmpty
    }
    let decades = decades(of: shown.flatMap { $0.points.map(\.y) })
    let frame = Frame(
      x: xTicks.map { isXLogarithmic ? log10($0.value) : $0.value }, decades: decades, isXLogarithmic: isXLogarithmic)
    var parts = ["<text class=\"title\" x=\"\(Plot.left)\" y=\"18\">\(escaped(title)), \(escaped(yTitle))</text>"]
    for decade in decades { parts.append(frame.line(atDecade: decade)) }
    for tick in xTicks { parts.append(frame.tick(tick.value, tick.text)) }
    parts.append(
      "<text x=\"\((Plot.left + Plot.width - Plot.right) / 2)\" y=\"\(Plot.height - 8)\" class=\"tick\">\(escaped(xTitle))</text>"
    )
    for (index, one) in shown.enumerated() { parts.append(line(one, index, frame)) }
    return "<svg viewBox=\"0 0 \(Plot.width) \(Plot.height)\" role=\"img\" aria-label=\"\(escaped(title))\">"
      + parts.joined(separator: "\n") + "</svg>"
  }

  private func decades(of values: [Double]) -> ClosedRange<Int> {
    let low = Int(floor(log10(values.min() ?? 1)))
    return low...max(low + 1, Int(ceil(log10(values.max() ?? 10))))
  }

  private func line(_ series: Series, _ index: Int, _ frame: Frame) -> String {
    let color = Plot.colors[index % Plot.colors.count]
    let places = series.points.map { frame.place($0.x, $0.y) }
    let path = places.map { "\(coordinate($0.x)),\(coordinate($0.y))" }.joined(separator: " ")
    let dots = zip(places, series.points).map { place, point in
      """
      <circle cx="\(coordinate(place.x))" cy="\(coordinate(place.y))" r="3" fill="\(color)"><title>\(escaped(series.name)): \(decimal(point.y))</title></circle>
      """
    }
    let y = Plot.top + 10 + Double(index) * 18
    let x = Plot.width - Plot.right + 14
    return """
      <polyline points="\(path)" fill="none" stroke="\(color)" stroke-width="2"/>
      \(dots.joined(separator: "\n"))
      <circle cx="\(x)" cy="\(y - 4)" r="4" fill="\(color)"/><text x="\(x + 9)" y="\(y)">\(escaped(series.name))</text>
      """
  }

  /// Where a value lies in the picture.
  private struct Frame {
    let x: ClosedRange<Double>
    let decades: ClosedRange<Int>
    let isXLogarithmic: Bool

    init(x: [Double], decades: ClosedRange<Int>, isXLogarithmic: Bool) {
      self.x = (x.min() ?? 0)...(x.max() ?? 1)
      self.decades = decades
      self.isXLogarithmic = isXLogarithmic
    }

    func place(_ value: Double, _ height: Double) -> (x: Double, y: Double) {
      let along = isXLogarithmic ? log10(value) : value
      let span = x.upperBound > x.lowerBound ? (along - x.lowerBound) / (x.upperBound - x.lowerBound) : 0.5
      let rise = (log10(height) - Double(decades.lowerBound)) / Double(decades.upperBound - decades.lowerBound)
      return (
        Plot.left + span * (Plot.width - Plot.left - Plot.right),
        Plot.height - Plot.bottom - rise * (Plot.height - Plot.top - Plot.bottom)
      )
    }

    func line(atDecade decade: Int) -> String {
      let y = coordinate(place(isXLogarithmic ? pow(10, x.lowerBound) : x.lowerBound, pow(10, Double(decade))).y)
      return """
        <line class="grid" x1="\(Plot.left)" x2="\(Plot.width - Plot.right)" y1="\(y)" y2="\(y)"/>
        <text class="value" x="\(Plot.left - 6)" y="\(y)" dy="4">\(decimal(pow(10, Double(decade))))</text>
        """
    }

    func tick(_ value: Double, _ text: String) -> String {
      let place = place(value, pow(10, Double(decades.lowerBound)))
      return "<text x=\"\(coordinate(place.x))\" y=\"\(Plot.height - Plot.bottom + 16)\" class=\"tick\">\(text)</text>"
    }
  }
}

private func coordinate(_ value: Double) -> String { String(format: "%.1f", value) }

/// As text or an attribute of a page.
func escaped(_ text: String) -> String {
  text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
}
