import Enrollment
import Ledger
import MusterModel

extension Snapshot {
  /// Why a record was last refused, from its columns `refused_at`, `refused_code` and `refused_position`, which stand
  /// at `column` and after; nil where it never was.
  func refusal(_ row: Row, at column: Int32) throws(StoreError) -> RefusalSummary? {
    guard !row.isNull(column) else { return nil }
    let details = try details(RequestRefused.self, at: row.position(column + 2))
    return RefusalSummary(at: row.time(column), code: row.text(column + 1), reason: details?.reason)
  }
}
