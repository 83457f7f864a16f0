/// The text of a file of refused rows: a manifest of them, with `code` and `reason` added, so that what was put right can
/// be given again as it is.
public enum RefusedRows {
  /// CSV, each with its line's end.
  public static let header = line(ManifestColumn.allCases.map(\.rawValue))

  public static func line(_ cells: ManifestCells, code: String, reason: String) -> String {
    line(
      ManifestColumn.allCases.map { column in
        switch column {
        case .hardware: cells.hardware
        case .deviceID: cells.deviceID
        case .group: cells.group
        case .request: cells.request
        case .tags: cells.tags
        case .code: code
        case .reason: reason
        }
      })
  }

  /// A cell of a bad NDJSON line may hold an end of line, which no row can: it is left out.
  private static func line(_ fields: [String]) -> String {
    fields.map { CSVLine.text($0.filter { !$0.isNewline }) }.joined(separator: ",") + "\n"
  }
}
