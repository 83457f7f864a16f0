import CertificateAuthority
import Enrollment
import HTTPService
import KeyVault
import Logging
import MusterModel
import Policy
import Publication
import ServiceLifecycle

/// CRLs and OCSP answers of the running instance, as HTTP asks for them.
struct PublishedStatus: Service, StatusPublisher {
  /// The store that wakes the publisher: all commits of the service go through it.
  let store: WakingStore
  private let lists: CRLPublisher
  private let answers: OCSPAnswers

  init(_ opened: OpenInstance, logger: Logger) async throws {
    let authorities = UnsealedAuthorities(authorities: opened.instance.authorities)
    let lists = try await CRLPublisher(
      store: opened.store, reader: opened.readers, authorities: authorities, clock: opened.instance.clock,
      epoch: opened.instance.epoch,
      report: { logger.error("publishing CRLs failed", metadata: ["why": "\($0)"]) })
    self.lists = lists
    answers = OCSPAnswers(reader: opened.readers, authorities: authorities, clock: opened.instance.clock)
    store = WakingStore(opened.store, alsoOn: [VaultUnsealed.kind]) { lists.wake() }
  }

  /// Look now whether something is to be published.
  func wake() { lists.wake() }

  func run() async throws { await cancelWhenGracefulShutdown { await lists.run() } }

  func revocationList(of issuerKeyID: String, shard: UInt32?) async throws -> SignedStatus? {
    lists.offered[CRLName(issuerKeyID: issuerKeyID, shard: shard)].map {
      SignedStatus(der: $0.der, $0.freshness)
    }
  }

  /// When the issuer's full CRL ends.
  func endOfList(issuerKeyID: String) -> Timestamp? {
    lists.offered[CRLName(issuerKeyID: issuerKeyID, shard: nil)]?.freshness.expires
  }

  func publishLists(by grant: AccessGrant, for caller: Caller) async throws -> Outcome<[PublishedList]> {
    guard let actor = caller.principal.actor else { return .refused(.identityChanged) }
    do {
      let author = ListAuthor(actor: actor, policy: grant.decidedBy, reads: caller.reads)
      let signed = try await lists.publishNow(by: author).map(\.published)
      guard !signed.isEmpty else { return .refused(.sealed) }
      return .done(signed.map(PublishedList.init))
    } catch PublicationError.notCommitted(.stale) {
      return .refused(.identityChanged)
    } catch let error as PublicationError {
      guard case .notRunning = error else { throw error }
      return .refused(Refusal(.unavailable, "publisher-not-running", error.description))
    }
  }

  func certificateStatus(_ request: [UInt8], source: String) async throws -> SignedStatus {
    let answer = try await answers.answer(request, from: source)
    return SignedStatus(der: answer.der, answer.freshness)
  }
}

extension SignedStatus {
  /// Without freshness it must not be kept.
  fileprivate init(der: [UInt8], _ freshness: Freshness?) {
    self.init(
      der: der, nextUpdate: freshness?.expires, entityTag: freshness?.entityTag, lastModified: freshness?.lastModified)
  }
}

extension PublishedList {
  fileprivate init(_ list: CRLPublished) {
    self.init(
      issuerKeyID: list.issuerKeyID, shard: list.shard, number: list.number, thisUpdate: list.thisUpdate,
      nextUpdate: list.nextUpdate, entries: list.entries)
  }
}

/// The issuing CAs that can sign now: none while the vault is sealed.
struct UnsealedAuthorities: SigningAuthorities {
  let authorities: Authorities

  var issuers: [Issuer] { authorities.issuers }
  var responders: [OCSPResponder] { authorities.responders }
}
