import MusterModel

/// Finds certificates by what stands at random, the digest of their key and their own. Each issuance would change two random
/// pages of an index, which costs more than all else that a commit writes, and the more the larger the fleet. So the newest
/// certificates are found in memory, where every connection has them from the rows; they come into a tree on disk by and by,
/// in the order of their digests, many to a page.
///
/// A digest stands by its first 32 bits; what is found is asked for the rest. Who makes keys that begin alike (2³² for each)
/// makes the service look at so many rows for those keys, and for no others.
final class DigestIndex {
  /// So many certificates are brought into the tree in one pass over it.
  private let generation: Int
  /// Certificates that the tree has; every later one is in memory.
  private var settled: Int64 = 0
  /// The last that is in memory.
  private var last: Int64 = 0
  private var newest = DigestTable()
  /// Whether the transaction at hand was looked at.
  private var isCurrent = false
  private var pass: Pass?
  /// As it was when the transaction at hand began.
  private var begun: (settled: Int64, last: Int64) = (0, 0)

  /// One pass over the tree: what is brought there, in its order, how much of it is, and up to which certificate it goes.
  private struct Pass {
    let entries: [DigestTable.Entry]
    var done = 0
    let through: Int64
  }

  init(generation: Int = 16_384) { self.generation = generation }

  /// A transaction begins.
  func begin() {
    outdate()
    begun = (settled, last)
  }

  /// The transaction at hand has new certificates.
  func outdate() { isCurrent = false }

  /// It was taken back, with what was read and moved in it.
  func takeBack() {
    outdate()
    // Made anew from what is on disk of it.
    pass = nil
    if settled != begun.settled {
      (settled, last, newest) = (0, 0, DigestTable())
    } else if last != begun.last {
      last = begun.last
      newest = newest.filtered { [last] in $0 <= last }
    }
  }

  /// Rows of certificates that may have the digest, as their key's or as their own.
  fileprivate func rows(_ digest: Digest, _ db: Connection) throws(StoreError) -> [Int64] {
    try look(db)
    let prefix = digest.prefix
    let new = newest.rows(prefix)
    // What the tree has of a first pass is in memory, too.
    guard settled > 0 else { return new }
    let old = try db.all("SELECT certificate FROM certificate_digest WHERE prefix = ?", prefix) { row in row.int(0) }
    return new.isEmpty ? old : old + new.filter { !old.contains($0) }
  }

  private func look(_ db: Connection) throws(StoreError) {
    guard !isCurrent else { return }
    let settled = try db.number("SELECT through FROM certificate_settled")
    if settled != self.settled {
      newest = newest.filtered { $0 > settled }
      (self.settled, last) = (settled, max(last, settled))
    }
    try db.each("SELECT id, public_key, der FROM certificate WHERE id > ? ORDER BY id", last) {
      (row) throws(StoreError) in
      let (key, der) = (try row.digest(1), try row.digest(2))
      last = row.int(0)
      newest.insert(.init(prefix: key.prefix, row: last))
      newest.insert(.init(prefix: der.prefix, row: last))
    }
    isCurrent = true
  }

  /// The committer's: after `count` certificates came, twice as many are brought into the tree, so that a generation is
  /// there before the next is complete.
  fileprivate func move(after count: Int, _ db: Connection) throws(StoreError) {
    outdate()
    try look(db)
    if pass == nil { pass = try nextPass(db) }
    guard let pass else { return }
    let moving = pass.entries[pass.done...].prefix(4 * count)
    for entry in moving {
      // Of a digest that was the last before, a part may be there.
      try db.insert(into: "certificate_digest(prefix, certificate)", entry.prefix, entry.row, conflict: .ignored)
    }
    try db.writeRows()
    if moving.endIndex < pass.entries.endIndex {
      self.pass?.done = moving.endIndex
      try db.change(
        "UPDATE certificate_settled SET next = ?, below = ?", pass.through, pass.entries[moving.endIndex].prefix)
    } else {
      self.pass = nil
      try db.change("UPDATE certificate_settled SET through = ?1, next = ?1, below = 0", pass.through)
      outdate()
    }
  }

  /// The rest of one that was begun, or a new one where there is enough for it.
  private func nextPass(_ db: Connection) throws(StoreError) -> Pass? {
    let begun = try db.first("SELECT next, below FROM certificate_settled WHERE next > through") {
      (row) throws(StoreError) in (through: row.int(0), below: try row.number(1))
    }
    guard let (through, below) = begun ?? (newest.count >= 2 * generation ? (last, 0) : nil) else { return nil }
    let entries = newest.entries.filter { $0.row <= through && $0.prefix >= below }
    return Pass(entries: entries.sorted { $0.prefix < $1.prefix }, through: through)
  }
}

extension Digest {
  /// By which it stands in the index.
  var prefix: UInt32 { withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self)) } }
}

extension Connection {
  /// What `read` makes of the certificates with that digest, as their key's or their own, oldest first. `sql` is asked with
  /// a row that may be one and the digest.
  func certificates<Value>(
    with digest: Digest, _ sql: StaticString, read: (Row) throws(StoreError) -> Value
  ) throws(StoreError) -> [Value] {
    var found: [Value] = []
    for row in try digests.rows(digest, self).sorted() {
      if let value = try first(sql, row, digest, read: read) { found.append(value) }
    }
    return found
  }

  /// Brings some of the certificates that came longest ago into the tree of digests, after `count` new ones.
  func moveDigests(after count: Int) throws(StoreError) { try digests.move(after: count, self) }

  /// How far the tree of digests is: certificates up to `through`, and of those up to `next` the digests below `below`.
  /// Throws `damaged` where it would be further than there are certificates: some would be found nowhere.
  func digestProgress() throws(StoreError) -> (through: Int64, next: Int64, below: UInt32) {
    let found = try all(
      "SELECT through, next, below, ifnull((SELECT max(id) FROM certificate), 0) FROM certificate_settled"
    ) { (row) throws(StoreError) in
      (through: row.int(0), next: row.int(1), below: try row.number(2), last: row.int(3))
    }
    guard found.count == 1, 0 <= found[0].through, found[0].through <= found[0].next, found[0].next <= found[0].last
    else { throw .damaged("an index of certificates that goes beyond them") }
    return (found[0].through, found[0].next, found[0].below)
  }

  /// The first digest that the tree should have and has not; nil where it has them all.
  func missingDigest() throws(StoreError) -> (certificate: Int64, digest: Digest)? {
    let progress = try digestProgress()
    var missing: (Int64, Digest)?
    try each("SELECT id, public_key, der FROM certificate WHERE id <= ?", progress.next) { (row) throws(StoreError) in
      for column in [1, 2] as [Int32] where missing == nil {
        let digest = try row.digest(column)
        guard row.int(0) <= progress.through || digest.prefix < progress.below else { continue }
        let isThere = try exists(
          "SELECT 1 FROM certificate_digest WHERE prefix = ? AND certificate = ?", digest.prefix, row.int(0))
        if !isThere { missing = (row.int(0), digest) }
      }
    }
    return missing
  }
}
