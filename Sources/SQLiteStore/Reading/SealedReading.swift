public import Enrollment
import KeyVault
import MusterModel

extension FolderStore {
  public func sealed(under older: UInt32?, from place: SealedPlace, atMost limit: Int) async throws -> SealedPage {
    try await read { try $0.sealed(under: older, from: place, atMost: limit) }
  }
}

extension Snapshot {
  /// The rows in their own order, secrets first, then answers.
  fileprivate func sealed(
    under older: UInt32?, from place: SealedPlace, atMost limit: Int
  ) throws(StoreError) -> SealedPage {
    let rows = place.isInAnswers ? try answers(after: place.row, limit) : try secrets(after: place.row, limit)
    let isOver = rows.count < limit
    let next: SealedPlace? =
      if let last = rows.last, !isOver {
        SealedPlace(row: last.row, isInAnswers: place.isInAnswers)
      } else { place.isInAnswers ? nil : SealedPlace(row: 0, isInAnswers: true) }
    return SealedPage(
      secrets: rows.map(\.sealed).filter { sealed in
        guard let older else { return sealed.purpose != VaultSecret.slot }
        return sealed.kek.map { $0 < older } ?? false
      }, passed: rows.count, next: next)
  }

  private func secrets(after row: Int64, _ limit: Int) throws(StoreError) -> [(row: Int64, sealed: SealedSecret)] {
    try db.all(
      "SELECT rowid, owner, purpose, version, bytes FROM secret WHERE rowid > ? ORDER BY rowid LIMIT ?", row, limit
    ) { (row) throws(StoreError) in
      (
        row.int(0),
        SealedSecret(owner: try row.record(1), purpose: row.text(2), version: try row.number(3), bytes: row.bytes(4))
      )
    }
  }

  private func answers(after row: Int64, _ limit: Int) throws(StoreError) -> [(row: Int64, sealed: SealedSecret)] {
    try db.all(
      """
      SELECT rowid, operator, key, body FROM idempotent_answer WHERE is_sealed = 1 AND rowid > ? ORDER BY rowid LIMIT ?
      """, row, limit
    ) { (row) throws(StoreError) in
      let purpose = IdempotentAnswer.purpose(ofKey: row.text(2))
      return (row.int(0), SealedSecret(owner: try row.record(1), purpose: purpose, version: 1, bytes: row.bytes(3)))
    }
  }
}

extension SealedSecret {
  /// The number of the KEK that it is sealed under; nil for the vault's own slots and KEKs, and for what is not sealed.
  var kek: UInt32? { [VaultSecret.slot, VaultSecret.kek].contains(purpose) ? nil : Vault.kek(of: bytes) }
}
