import Foundation

/// Runs what blocks for long, a TPM or a stretched passphrase, on a thread of its own: the pool has only as many as there
/// are processors.
public func onItsThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
  }
}
