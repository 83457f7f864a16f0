import CertificateAuthority
import MusterModel

/// A signed answer about one certificate, and the status it tells.
struct ReadyAnswer: Sendable {
  let issuerKeyID: String
  let status: CertificateStatus
  let answer: OCSPAnswer
  let thisUpdate: Timestamp
  let nextUpdate: Timestamp

  func isValid(at now: Timestamp) -> Bool { thisUpdate <= now && now < nextUpdate }

  /// Whether no new one need be signed yet.
  func isFresh(at now: Timestamp) -> Bool {
    isValid(at: now) && now.milliseconds < (thisUpdate.milliseconds + nextUpdate.milliseconds) / 2
  }
}

/// Ready answers by what was asked, in bounds.
struct ReadyAnswers: Sendable {
  /// About 1 KB each.
  static let capacity = 8192

  private var answers: [OCSPCertificateID: ReadyAnswer] = [:]

  subscript(id: OCSPCertificateID) -> ReadyAnswer? { answers[id] }

  var count: Int { answers.count }

  mutating func keep(_ answer: ReadyAnswer, for id: OCSPCertificateID, at now: Timestamp) {
    if answers[id] == nil, answers.count >= Self.capacity { makeRoom(at: now) }
    answers[id] = answer
  }

  /// The ready answer if it tells this status; one that tells another is dropped.
  mutating func answer(for id: OCSPCertificateID, telling status: CertificateStatus) -> ReadyAnswer? {
    if let answer = answers[id], answer.status == status { return answer }
    answers[id] = nil
    return nil
  }

  /// What is over goes, and if that makes no room, the older half.
  private mutating func makeRoom(at now: Timestamp) {
    answers = answers.filter { $0.value.isValid(at: now) }
    guard answers.count >= Self.capacity else { return }
    let byAge = answers.sorted { $0.value.thisUpdate < $1.value.thisUpdate }
    for (id, _) in byAge.prefix(Self.capacity / 2) { answers[id] = nil }
  }
}
