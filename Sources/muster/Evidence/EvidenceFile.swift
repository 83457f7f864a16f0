import Attestation
import CertificateAuthority
import MusterModel

/// A file of evidence: one flat JSON object of base64 texts.
struct EvidenceFile {
  struct Unreadable: Error {
    let description: String
  }

  private static let needed = ["akPublic", "keyPublic", "certifyInfo", "certifySignature", "nonce"]
  private static let optional = [
    "csr", "ekCertificate", "ekPublic", "quote", "quoteSignature", "pcrValues", "eventLog",
  ]

  private let members: [String: [UInt8]]

  /// A member that nobody knows is refused: what it says would not be looked at.
  static func parse(_ bytes: [UInt8]) -> Result<EvidenceFile, Unreadable> {
    guard let object = FlatObject(bytes) else {
      return .failure(Unreadable(description: "expected one flat JSON object, found something else"))
    }
    var members: [String: [UInt8]] = [:]
    for (name, value) in object.fields {
      guard needed.contains(name) || optional.contains(name) else {
        return .failure(Unreadable(description: "expected members of evidence, found \(excerpt(name, upTo: 32))"))
      }
      guard case .text(let text) = value, let decoded = Base64.decode(Array(text.utf8)) else {
        return .failure(Unreadable(description: "expected \(name) in base64, found something else"))
      }
      members[name] = decoded
    }
    if let missing = needed.first(where: { members[$0] == nil }) {
      return .failure(Unreadable(description: "expected \(missing), found none"))
    }
    guard (members["quote"] == nil) == (members["quoteSignature"] == nil) else {
      return .failure(Unreadable(description: "expected quote and quoteSignature together, found one"))
    }
    guard members["quote"] != nil || (members["pcrValues"] == nil && members["eventLog"] == nil) else {
      return .failure(Unreadable(description: "expected pcrValues and eventLog beside a quote, found none"))
    }
    return .success(EvidenceFile(members: members))
  }

  private func bytes(_ name: String) -> [UInt8] { members[name] ?? [] }

  func appraise(_ trust: MakerTrust?, _ options: MakerOptions) -> Appraisal {
    let attestation = KeyAttestation(
      akPublic: bytes("akPublic"), keyPublic: bytes("keyPublic"), certifyInfo: bytes("certifyInfo"),
      certifySignature: bytes("certifySignature"))
    var (appraisal, key) = attestation.appraise(nonce: bytes("nonce"))
    appraisal.add(appraiseRequest(for: key))
    appraisal.add(appraiseEndorsement(trust, options))
    // That the attestation key is the endorsement key's neighbour takes an answer to a challenge.
    appraisal.add("credential activation", .notShown)
    appraisal.add(appraiseQuote())
    return appraisal
  }

  private func appraiseRequest(for key: CertifiedKey?) -> Appraisal {
    var appraisal = Appraisal()
    guard let csr = members["csr"] else {
      appraisal.add("request", .notShown)
      return appraisal
    }
    switch CertificateRequest.verify(csr, blocked: .none) {
    case .failure(let refusal): appraisal.add("request", .refused(code: refusal.code, refusal.description))
    case .success(let request) where request.key.der == key?.subjectPublicKeyInfo:
      appraisal.add("request", .holds("signed by the device key"))
    case .success:
      appraisal.add(
        "request",
        .refused(code: "request-other-key", "expected a request signed by the certified device key, found another's"))
    }
    return appraisal
  }

  private func appraiseEndorsement(_ trust: MakerTrust?, _ options: MakerOptions) -> Appraisal {
    var appraisal = Appraisal()
    var endorsed: EndorsedKey?
    switch (members["ekCertificate"], trust) {
    case (nil, _): appraisal.add("EK certificate", .notShown)
    case (_?, nil):
      appraisal.add(
        "EK certificate",
        .refused(code: "certificate-untrusted", "expected makers to trust (--trust BUNDLE.pem), found none"))
    case (let certificate?, let trust?):
      let found = EKCertificate(certificate).appraise(
        under: trust, at: SystemClock().now(), acceptsExpired: options.acceptExpired)
      appraisal.add(found.appraisal)
      endorsed = found.key
    }
    guard let ekPublic = members["ekPublic"] else {
      appraisal.add("endorsement key", .notShown)
      return appraisal
    }
    appraisal.appraise(ekPublic: ekPublic, isCertified: members["ekCertificate"] != nil, as: endorsed)
    return appraisal
  }

  private func appraiseQuote() -> Appraisal {
    guard let quote = members["quote"] else {
      var appraisal = Appraisal()
      appraisal.add("quote", .notShown)
      return appraisal
    }
    return Quote(
      info: quote, signature: bytes("quoteSignature"), pcrValues: members["pcrValues"], eventLog: members["eventLog"]
    ).appraise(akPublic: bytes("akPublic"), nonce: bytes("nonce")).appraisal
  }
}
