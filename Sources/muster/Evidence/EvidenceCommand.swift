import ArgumentParser
import Attestation
import Foundation
import MusterModel

/// Appraises what a TPM shows, without a service: for integrators, and for support.
struct EvidenceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evidence", abstract: "Appraises a TPM's evidence offline, one line per check.",
    discussion: "Exit status: 0 accepted, 1 refused (or unreadable evidence), 2 misuse.",
    subcommands: [Appraise.self, EndorsementKey.self])

  struct Appraise: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Appraises a key certified by a TPM's attestation key.",
      discussion: """
        Example: muster evidence appraise evidence.json --trust tpm-makers.pem
        The file is one JSON object of base64 texts: akPublic and keyPublic (TPM2B_PUBLIC), certifyInfo (TPMS_ATTEST),
        certifySignature (TPMT_SIGNATURE), nonce; where there, csr and ekCertificate (DER), ekPublic (TPM2B_PUBLIC), quote
        (TPMS_ATTEST) with quoteSignature, pcrValues (the registers' values one after the other) and eventLog (the
        firmware's). What is absent is said as "not shown".
        """)
    @Argument(help: "The evidence.", completion: .file()) var file: String
    @OptionGroup var makers: MakerOptions

    func run() throws {
      var appraisal = Appraisal()
      let bytes = try readInput(file)
      switch EvidenceFile.parse(bytes) {
      case .success(let evidence): appraisal = evidence.appraise(try makers.trust(), makers)
      case .failure(let refusal):
        appraisal.add("evidence", .refused(code: "evidence-unreadable", refusal.description))
      }
      try show(appraisal)
    }
  }

  struct EndorsementKey: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ek-certificate", abstract: "Appraises a TPM's endorsement key certificate.",
      discussion: """
        Example: muster evidence ek-certificate ek.der --trust tpm-makers.pem
        The file is DER, as it lies in the TPM: what fills up its memory may stand behind it.
        """)
    @Argument(help: "The certificate, DER.", completion: .file()) var file: String
    @OptionGroup var makers: MakerOptions

    func validate() throws {
      guard makers.trustFile != nil else { throw ValidationError("expected --trust BUNDLE.pem, found none") }
    }

    func run() throws {
      let certificate = EKCertificate(try readInput(file))
      try show(
        certificate.appraise(
          under: try makers.trust() ?? MakerTrust(), at: SystemClock().now(), acceptsExpired: makers.acceptExpired
        ).appraisal)
    }
  }
}

/// Whom to trust, and how far.
struct MakerOptions: ParsableArguments {
  @Option(
    name: .customLong("trust"),
    help: "Certificates of TPM makers in PEM: the self-issued ones are anchors, the others help to build the path.",
    completion: .file())
  var trustFile: String?
  @Flag(help: "Accept an endorsement key certificate, and issuers, whose time is over.") var acceptExpired = false

  /// nil where no bundle was named.
  func trust() throws -> MakerTrust? {
    guard let trustFile else { return nil }
    switch MakerTrust.parse(try readInput(trustFile, limit: MakerTrust.limit.bytes)) {
    case .success(let trust): return trust
    case .failure(let refusal): throw CommandFailure("\(trustFile): \(refusal.description)", status: 2)
    }
  }
}

/// A file's bytes, or misuse.
private func readInput(_ path: String, limit: Int = 1 << 20) throws -> [UInt8] {
  guard let handle = FileHandle(forReadingAtPath: path), let data = try? handle.read(upToCount: limit + 1) else {
    throw CommandFailure("expected a file at \(path), found none that can be read", status: 2)
  }
  guard data.count <= limit else {
    throw CommandFailure("\(path): expected at most \(limit) bytes, found more", status: 2)
  }
  return Array(data)
}

/// Prints each check, then the word; a refusal is exit status 1.
private func show(_ appraisal: Appraisal) throws {
  for check in appraisal.checks {
    let subject = check.subject.padding(toLength: max(22, check.subject.count), withPad: " ", startingAt: 0)
    switch check.outcome {
    case .holds(let found): print("\(subject)  holds      \(found)")
    case .refused(let code, let text): print("\(subject)  refused    \(code): \(text)")
    case .notShown: print("\(subject)  not shown")
    }
  }
  print(appraisal.isAccepted ? "accepted" : "refused")
  guard appraisal.isAccepted else { throw ExitCode(1) }
}
