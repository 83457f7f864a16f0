public import MusterModel

/// The store as it stood after one commit. It is there while the query that got it runs.
public struct Snapshot {
  let db: Connection

  /// The aggregate's version: the position of the last event that changed it, plus one; 0 where it is absent.
  public func version(of aggregate: Aggregate) throws(StoreError) -> UInt64 { try db.version(of: aggregate) }

  func version(of record: RecordID) throws(StoreError) -> UInt64 { try db.version(of: .record(record)) }
}
