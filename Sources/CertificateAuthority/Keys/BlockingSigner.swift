import Dispatch
import MusterModel
import Synchronization

/// A key whose use blocks: a TPM's, a token's. It signs on a thread of its own, one after the other as they were asked for;
/// what waits is bounded, so that a slow key stops nothing but what needs it.
public final class BlockingSigner: Signer {
  /// So many signatures wait at most; who comes then is refused as `key-busy`.
  public static let waitingLimit = 1024

  public let publicKey: SubjectPublicKey
  public let algorithm: SignatureAlgorithm
  private let signature: @Sendable ([UInt8]) throws -> [UInt8]
  private let queue: DispatchQueue
  private let waiting = Mutex(0)

  /// `signature` gives the signature of bytes in the form that X.509 carries, and blocks.
  public init(
    publicKey: SubjectPublicKey, algorithm: SignatureAlgorithm,
    signature: @escaping @Sendable ([UInt8]) throws -> [UInt8]
  ) {
    self.publicKey = publicKey
    self.algorithm = algorithm
    self.signature = signature
    queue = DispatchQueue(label: "muster.signer.\(publicKey.keyID)")
  }

  /// Throws what `signature` throws, and `KeyKeeperFailure` of reason `busy`.
  public func sign(_ bytes: [UInt8]) async throws -> [UInt8] {
    try enter()
    return try await withCheckedThrowingContinuation { continuation in
      queue.async { [self] in
        let result = Result { try signature(bytes) }
        waiting.withLock { $0 -= 1 }
        continuation.resume(with: result)
      }
    }
  }

  private func enter() throws(KeyKeeperFailure) {
    try waiting.withLock { waiting throws(KeyKeeperFailure) in
      guard waiting < BlockingSigner.waitingLimit else {
        throw KeyKeeperFailure(.busy, "expected fewer signatures to wait for the CA's key, found \(waiting)")
      }
      waiting += 1
    }
  }
}
