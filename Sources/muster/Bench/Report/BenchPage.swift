/// The report as one page that needs nothing else.
struct BenchPage {
  private let report: BenchReport

  init(_ report: BenchReport) { self.report = report }

  var text: String {
    """
    <!doctype html>
    <html lang="en">
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Muster: capacity</title>
    <style>\(BenchPage.style)</style>
    <h1>Muster: capacity</h1>
    <p>Version \(report.version), \(report.at). \(escaped(report.heading)). One unit is one P-256 signature and one
    verification by <code>openssl speed</code>: \(decimal(report.baselines.unit)) µs at the start of this run. An enrollment
    is compared with the mean of one right before and one right after it.</p>
    <h2>What an operation costs</h2>
    \(html(report.figureTable))
    \(latencies.svg)
    <h2>As the fleet grows</h2>
    \(html(report.growthTable))
    \(costs.svg)
    \(times.svg)
    <h2>Baselines</h2>
    \(html(report.baselineTable))
    </html>

    """
  }

  private func html(_ table: TableText) -> String {
    func row(_ cells: [String], _ tag: String) -> String {
      "<tr>" + cells.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined() + "</tr>"
    }
    return "<table>\n" + ([row(table.titles, "th")] + table.rows.map { row($0, "td") }).joined(separator: "\n")
      + "\n</table>"
  }

  // MARK: - Plots

  private var latencies: Plot {
    Plot(
      title: "How long an operation takes", xTitle: "share of the operations that took at most so long",
      yTitle: "milliseconds",
      xTicks: [(0, "0"), (0.25, "25 %"), (0.5, "50 %"), (0.75, "75 %"), (1, "100 %")], isXLogarithmic: false,
      series: report.figures.compactMap { figure in
        figure.latency.map { latency in
          .init(name: figure.name, points: zip(Latency.shares, latency.curve).map { (x: $0, y: $1) })
        }
      })
  }

  private var costs: Plot {
    growth(
      "Service CPU per enrollment", "units",
      [("by EST", report.growth.map(\.single.units)), ("in a batch", report.growth.map(\.batch.units))])
  }

  private var times: Plot {
    growth(
      "Opening, and finding one thing", "microseconds",
      [("start to serving", report.growth.map { $0.startMilliseconds * 1000 })]
        + (report.growth.first?.lookups.indices ?? 0..<0).map { index in
          (report.growth[0].lookups[index].what, report.growth.map { $0.lookups[index].microseconds })
        })
  }

  private func growth(_ title: String, _ unit: String, _ lines: [(name: String, values: [Double])]) -> Plot {
    Plot(
      title: title, xTitle: "devices", yTitle: unit,
      xTicks: report.growth.map { (Double($0.devices), grouped($0.devices)) }, isXLogarithmic: true,
      series: lines.map { line in
        .init(name: line.name, points: zip(report.growth, line.values).map { (x: Double($0.devices), y: $1) })
      })
  }

  private static let style = """
    :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
    body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
    table { border-collapse: collapse; width: 100%; font-size: 0.9rem }
    th, td { text-align: right; padding: 0.25rem 0.5rem; border-bottom: 1px solid #8884; font-variant-numeric: tabular-nums }
    th:first-child, td:first-child { text-align: left }
    svg { width: 100%; margin: 1.5rem 0 } svg text { font-size: 12px; fill: currentColor }
    svg .title { font-weight: 600; font-size: 14px } svg .grid { stroke: #8884 }
    svg .value { text-anchor: end } svg .tick { text-anchor: middle }
    """
}
