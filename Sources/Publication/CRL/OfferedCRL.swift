public import CertificateAuthority
import MusterModel
import Synchronization

/// A CRL that is on disk and may be fetched.
public struct OfferedCRL: Sendable, Hashable {
  public let der: [UInt8]
  public let published: CRLPublished
  public let freshness: Freshness
  /// What it revokes, to be compared.
  let contents: Digest

  init(_ list: RevocationList, contents: Digest) {
    self.init(der: list.der, published: list.published, contents: contents)
  }

  /// Throws `PublicationError.unreadableCRL` for bytes that are no CRL of Muster's.
  init(_ stored: PublishedCRL) throws(PublicationError) {
    guard let contents = RevocationList.contents(of: stored.der), Digest.sha256(stored.der) == stored.published.der
    else { throw .unreadableCRL(CRLName(stored.published)) }
    self.init(der: stored.der, published: stored.published, contents: contents)
  }

  init(der: [UInt8], published: CRLPublished, contents: Digest) {
    self.der = der
    self.published = published
    self.contents = contents
    freshness = Freshness(
      digest: published.der, lastModified: published.thisUpdate, expires: published.nextUpdate)
  }

  public var name: CRLName { CRLName(published) }
}

/// The CRLs that may be fetched, from memory: those of one issuer change together.
public final class OfferedCRLs: Sendable {
  private let lists: Mutex<[CRLName: OfferedCRL]>

  init(_ lists: [OfferedCRL]) {
    self.lists = Mutex(Dictionary(lists.map { ($0.name, $0) }, uniquingKeysWith: Self.newer))
  }

  public subscript(name: CRLName) -> OfferedCRL? { lists.withLock { $0[name] } }

  /// All of them, for whoever watches over their ends.
  public var all: [OfferedCRL] { lists.withLock { Array($0.values) } }

  func ofIssuer(_ keyID: String) -> [CRLName: OfferedCRL] {
    lists.withLock { $0.filter { $0.key.issuerKeyID == keyID } }
  }

  func offer(_ new: [OfferedCRL]) {
    lists.withLock { lists in
      for list in new { lists[list.name] = lists[list.name].map { Self.newer($0, list) } ?? list }
    }
  }

  private static func newer(_ left: OfferedCRL, _ right: OfferedCRL) -> OfferedCRL {
    left.published.number < right.published.number ? right : left
  }
}
