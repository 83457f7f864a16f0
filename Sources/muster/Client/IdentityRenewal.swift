import ArgumentParser
import Crypto
import Enrollment
import Foundation
import MusterModel
import SwiftASN1
import X509

/// Renews the certificate of an identity file, by itself: a new key is made beside it and kept until the answer is written,
/// so that after a cut the same is asked again.
struct IdentityRenewal {
  let file: String
  /// When two thirds of the certificate's time are over, counted from its beginning, or from `since`: who renewed it a
  /// moment ago does not do so again, however short its time and however far back it begins.
  let due: Timestamp
  let notAfter: Timestamp

  init(file: String, since: Timestamp? = nil) throws {
    self.file = file
    guard let data = FileManager.default.contents(atPath: file),
      let document = try? PEMDocument.parseMultiple(pemString: String(decoding: data, as: UTF8.self)).first,
      let certificate = try? Certificate(derEncoded: document.derBytes)
    else { throw CommandFailure("expected an identity file at \(file), found none that can be read") }
    let from = since ?? Timestamp(certificate.notValidBefore)
    notAfter = Timestamp(certificate.notValidAfter)
    due = Timestamp(milliseconds: from.milliseconds + (notAfter.milliseconds - from.milliseconds) * 2 / 3)
  }

  /// The file holds the new certificate and key when this returns: it was written whole, and renamed.
  func renew(_ client: APIClient) async throws {
    let pending = try PendingIdentity.at(file, commonName: "muster")
    let input = RenewalInput(csr: Data(pending.request).base64EncodedString())
    let issued: IssuedIdentity
    do {
      issued = try await client.post("/v1/identity/renew", input, isRepeatable: true)
    } catch let failure as CommandFailure where failure.isRefusal && pending.isNew {
      pending.remove()
      throw failure
    }
    let text = issued.certificate + issued.issuer + issued.trustAnchor + PEM.privateKey(pending.key)
    try writeFile(file, text.utf8, mode: 0o600)
    pending.remove()
  }
}

extension Timestamp {
  fileprivate init(_ date: Date) { self.init(milliseconds: Int64(date.timeIntervalSince1970 * 1000)) }
}

/// `muster operator renew` and `muster hub renew`.
struct RenewCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "renew", abstract: "Renews the certificate of the identity file, with a new key.",
    discussion: """
      Example: muster operator renew --identity line-1.pem
      The old certificate stays valid for some days: whoever still shows it is not cut off.
      """)
  @OptionGroup var connection: Connection
  @Flag(help: "Only once two thirds of the certificate's time are over: for a timer.") var ifDue = false

  func run() async throws {
    let renewal = try IdentityRenewal(file: try connection.identityFile())
    if ifDue, SystemClock().now() < renewal.due {
      print("\(renewal.file) is due at \(renewal.due)")
      return
    }
    try await connection.withClient { try await renewal.renew($0) }
    print("\(renewal.file) until \(try IdentityRenewal(file: renewal.file).notAfter)")
  }
}
