import MusterModel
import Synchronization

@testable import Attestation

let certificateTargets = [
  FuzzTarget("certificate-chain", upTo: 4096, certificateChain),
  FuzzTarget("trust-anchors", upTo: 4096, trustAnchors),
]

/// A maker's chain under an anchor, each certificate behind two bytes of length, the anchor last. What is accepted shows
/// the hardware that leaf and anchor name, a second time the same, and nothing without its anchor.
@Sendable private func certificateChain(_ bytes: [UInt8]) throws -> Bool {
  var chain = framed(bytes)
  if case .failure(let refusal) = CertificateChain.parse(chain) { try requirePlain(refusal) }
  guard let last = chain.popLast(), case .success(let anchor) = TrustAnchor.parse(last) else { return false }
  let verifier = IDevIDVerifier(anchors: [.init(group: group, anchor: anchor)])
  let (certificates, time) = (chain, Timestamp(milliseconds: 1_893_456_000_000))
  switch try onThisThread({ await verifier.appraise(chain: certificates, at: time) }) {
  case .failure(let refusal):
    try requirePlain(refusal)
    return false
  case .success(let result):
    guard case .idevid(let claims) = result.claims, let shown = result.hardware.first, result.hardware.count == 1 else {
      throw BrokenInvariant(description: "expected one proved hardware ID, found \(result)")
    }
    try require(
      isSame(shown.id.value, "\(anchor.key.hex).\(claims.serialNumber)"),
      "expected the leaf's serialNumber, found \(shown.id)")
    try require(claims.certificate == .sha256(certificates[0]), "expected the leaf's digest")
    try require(
      try onThisThread { await verifier.appraise(chain: certificates, at: time) } == .success(result),
      "expected the same a second time")
    let other = IDevIDVerifier(anchors: [])
    try require(
      try onThisThread { await other.appraise(chain: certificates, at: time) } == .failure(.noTrustAnchor),
      "expected nothing to be trusted without an anchor")
    return true
  }
}

@Sendable private func trustAnchors(_ bytes: [UInt8]) throws -> Bool {
  switch TrustAnchor.parse(pem: text(bytes)) {
  case .failure(let refusal):
    try requirePlain(refusal)
    return false
  case .success(let anchors):
    try require((1...TrustAnchor.pemLimit.certificates).contains(anchors.count), "expected 1 to 16 anchors")
    for anchor in anchors {
      try require(TrustAnchor.parse(anchor.der) == .success(anchor), "expected the same from the anchor's DER")
    }
    return true
  }
}

private let group = RecordID(.group, UUIDv7(at: Timestamp(milliseconds: 0)))

func framed(_ bytes: [UInt8]) -> [[UInt8]] {
  var pieces: [[UInt8]] = []
  var rest = bytes[...]
  while rest.count >= 2, pieces.count < 8 {
    let count = Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())
    pieces.append(Array(rest.prefix(count)))
    rest = rest.dropFirst(count)
  }
  return pieces
}

// MARK: - Without another thread

/// The verifier is asynchronous for policies that wait; ours do not. So its work is run here, where the fuzzer sees it.
private func onThisThread<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) throws -> Value {
  let executor = Jobs()
  let result = Slot<Value>()
  Task(executorPreference: executor) { result.put(await work()) }
  executor.drain()
  guard let value = result.take() else {
    throw BrokenInvariant(description: "expected a verifier that waits for nothing")
  }
  return value
}

private final class Slot<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  func put(_ new: Value) { value.withLock { $0 = new } }
  func take() -> Value? { value.withLock { $0 } }
}

private final class Jobs: TaskExecutor {
  private let jobs = Mutex<[UnownedJob]>([])

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
  }

  func drain() {
    while let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }
}
