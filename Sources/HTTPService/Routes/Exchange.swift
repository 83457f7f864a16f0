import HTTPTypes
import HummingbirdCore
import MusterModel
import NIOCore
import Synchronization

/// A request in hand, before it found its route: what was sent, and by whom as far as the connection shows it. It is
/// counted, and so is what its body holds in memory, until nothing has it any more.
final class Exchange: Sendable {
  let id: RequestID
  let at: Timestamp
  let head: HTTPRequest
  let peer: PeerIdentity
  /// false where too many are in hand already; then it is not counted.
  let isAdmitted: Bool
  private let load: ServiceLoad
  private let body: Mutex<RequestBody?>
  private let bytes = Mutex(0)

  init(_ request: Request, of peer: PeerIdentity, at time: Timestamp, _ load: ServiceLoad) {
    id = RequestID(at: time)
    at = time
    head = request.head
    body = Mutex(request.body)
    self.peer = peer
    self.load = load
    isAdmitted = load.exchanges.admit(peer.source.network)
  }

  /// The body, once: who reads it holds it, and not whoever waits for the answer to be taken.
  func takeBody() -> RequestBody {
    body.withLock { body in
      defer { body = nil }
      return body ?? RequestBody(buffer: ByteBuffer())
    }
  }

  /// Whether so many bytes more may wait.
  func admit(_ count: Int) -> Bool {
    bytes.withLock { bytes in
      guard load.bodies.admit(peer.source.network, count) else { return false }
      bytes += count
      return true
    }
  }

  deinit {
    let network = peer.source.network
    load.bodies.leave(network, bytes.withLock { $0 })
    if isAdmitted { load.exchanges.leave(network) }
  }
}
