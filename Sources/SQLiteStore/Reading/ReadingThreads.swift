import Foundation

/// Threads with a read-only connection each, which do what waits in one mailbox.
final class ReadingThreads<Message: Sendable>: Sendable {
  private let mailbox: Mailbox<Message>
  private let ends: [Occurrence]

  /// `work` gets at most `limit` messages at a time.
  init(
    _ name: String, path: String, count: Int, atMost limit: Int,
    work: @escaping @Sendable ([Message], Connection) -> Void
  ) throws(StoreError) {
    let mailbox = Mailbox<Message>()
    var ends: [Occurrence] = []
    do throws(StoreError) {
      for _ in 0..<count {
        let connection = Handover(try Connection(path: path, .readOnly))
        ends.append(
          Occurrence.ofThread(name) {
            guard let connection = connection.take() else { return }
            while let messages = mailbox.take(atMost: limit) { work(messages, connection) }
          })
      }
    } catch {
      mailbox.close()
      throw error
    }
    (self.mailbox, self.ends) = (mailbox, ends)
  }

  /// false where the threads were told to end.
  func put(_ message: Message) -> Bool { mailbox.put(message) }

  /// What waits is still done; returns when every thread has let go of its connection.
  func close() async {
    mailbox.close()
    for end in ends { await end.wait() }
  }

  deinit { mailbox.close() }
}
