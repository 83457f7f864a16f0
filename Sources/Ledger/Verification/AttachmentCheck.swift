import MusterModel

/// Holds attachments to the digests that they are stored under. A private attachment may be gone where a later
/// `event-erased` says so.
struct AttachmentCheck {
  /// More private attachments without bytes than this are findings at once: what is remembered stays bounded.
  private static let pendingLimit = 1 << 20

  private var found: [LedgerFinding] = []
  private var pending: [UInt64: Digest] = [:]

  mutating func check(_ event: StoredEvent, _ header: EventHeader) {
    if header.kind == EventErased.kind { erase(event) }
    guard let attachments = event.attachments else { return }
    for attachment in attachments {
      if let content = attachment.content {
        if content != attachment.named { report(.attachmentEdited(position: event.position, attachment.named)) }
      } else if attachment.named != header.privateDigest {
        report(.attachmentMissing(position: event.position, attachment.named))
      }
    }
    if let digest = header.privateDigest,
      !attachments.contains(where: { $0.named == digest && $0.content != nil })
    {
      expectErasure(event.position, digest)
    }
  }

  private mutating func expectErasure(_ position: UInt64, _ digest: Digest) {
    if pending.count < AttachmentCheck.pendingLimit {
      pending[position] = digest
    } else {
      report(.attachmentMissing(position: position, digest))
    }
  }

  private mutating func erase(_ event: StoredEvent) {
    guard let body = try? EventKind(EventErased.self).body(event.bytes) as? EventErased else { return }
    pending[body.position] = nil
  }

  private mutating func report(_ finding: LedgerFinding) {
    if found.count < LedgerVerification.findingLimit { found.append(finding) }
  }

  /// What is wrong, once the last event was seen.
  var findings: [LedgerFinding] {
    let missing = pending.sorted { $0.key < $1.key }.prefix(LedgerVerification.findingLimit)
    return found + missing.map { .attachmentMissing(position: $0.key, $0.value) }
  }
}
