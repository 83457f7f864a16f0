import Foundation
import MusterModel

/// Holds the hubs' receipts in a ledger to the ledger: each is signed by a key that was certified for its hub, and names
/// the root that the tree had at its size. Two readings: the first may be that of the whole check.
///
/// Memory: one root per size that a receipt names, and the hubs' keys.
public struct ReceiptCheck: Sendable {
  private let ledger: String
  /// SHA-256 of a hub's SubjectPublicKeyInfo, and whose it is.
  private var keys: [Digest: RecordID] = [:]
  /// By size: the root, and the first event that named it.
  private var roots: [UInt64: (root: Digest, position: UInt64)] = [:]
  /// How many receipts were found.
  public private(set) var count: UInt64 = 0
  public private(set) var findings: [LedgerFinding] = []

  /// For the ledger of this origin, in all its epochs.
  public init(_ origin: LedgerOrigin) { ledger = origin.ledger }

  /// Takes what the first reading finds.
  public mutating func see(_ event: StoredEvent) {
    // Most events are neither: only what names one of the two is decoded.
    guard event.bytes.names("receipt-given") || event.bytes.names("certificate-issued") && event.bytes.names("hub_")
    else { return }
    guard let kind = try? EventHeader(event.bytes).kind else { return }
    switch kind {
    case "certificate-issued": seeCertificate(event)
    case ReceiptGiven.kind: seeReceipt(event)
    default: break
    }
  }

  /// As much of a certificate's event as is asked here; its body is another room's.
  private struct Certified: Decodable {
    struct Body: Decodable {
      struct Issued: Decodable {
        let subject: RecordID?
        let publicKey: Digest
      }
      let issued: Issued
    }
    let body: Body
  }

  private mutating func seeCertificate(_ event: StoredEvent) {
    guard let issued = try? EventCoding.decoder().decode(Certified.self, from: Data(event.bytes)).body.issued,
      let subject = issued.subject, subject.kind == .hub
    else { return }
    keys[issued.publicKey] = subject
  }

  private mutating func seeReceipt(_ event: StoredEvent) {
    count += 1
    guard let body = try? EventKind(ReceiptGiven.self).body(event.bytes) as? ReceiptGiven, let signed = body.signed,
      keys[Digest.sha256(signed.publicKey)] == body.hub, signed.isValid(ledger: ledger)
    else { return report(.receiptForged(position: event.position)) }
    guard body.size <= event.position else { return report(.receiptContradicts(position: event.position)) }
    if let known = roots[body.size], known.root != body.root {
      return report(.receiptContradicts(position: event.position))
    }
    if roots[body.size] == nil { roots[body.size] = (body.root, event.position) }
  }

  /// The second reading: the roots that were named, against those that the events have. Throws what `next` throws.
  public mutating func compare(_ next: () throws -> StoredEvent?) rethrows {
    var tree = MerkleTree()
    var sizes = roots.keys.sorted()[...]
    while let size = sizes.first {
      while tree.size < size, let event = try next() { _ = tree.append(MerkleHash.leaf(event.bytes)) }
      if let named = roots[size], tree.size != size || tree.root != named.root {
        report(.receiptContradicts(position: named.position))
      }
      sizes.removeFirst()
    }
  }

  private mutating func report(_ finding: LedgerFinding) {
    if findings.count < LedgerVerification.findingLimit { findings.append(finding) }
  }
}

extension [UInt8] {
  fileprivate func names(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return withUnsafeBytes { bytes in
      var rest = bytes[...]
      while rest.count >= length, let start = rest.firstIndex(of: text.utf8Start.pointee) {
        rest = rest[start...]
        guard rest.count >= length else { return false }
        if memcmp(UnsafeRawBufferPointer(rebasing: rest).baseAddress!, text.utf8Start, length) == 0 { return true }
        rest = rest.dropFirst()
      }
      return false
    }
  }
}
