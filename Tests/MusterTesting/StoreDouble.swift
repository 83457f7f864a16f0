package import MusterModel

/// A store of a test that says for each unit what comes of it; many are asked in a row.
package protocol StoreDouble: Store {}

extension StoreDouble {
  package func submit(
    _ units: [UnitOfWork], answer: @escaping @Sendable ([Result<CommitOutcome, any Error>]) -> Void
  ) {
    Task {
      var outcomes: [Result<CommitOutcome, any Error>] = []
      for unit in units {
        do { outcomes.append(.success(try await commit(unit))) } catch { outcomes.append(.failure(error)) }
      }
      answer(outcomes)
    }
  }
}
