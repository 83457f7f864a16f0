public import MusterModel

/// An endorsement key of which its maker's certificate under a trusted root says that it is in a TPM. Only an appraisal
/// makes one.
public struct EndorsedKey: Sendable, Hashable {
  /// `tpm-ek:` with the SHA-256 of the key, its algorithm normalised: another certificate of the same key is the same
  /// hardware.
  public let hardware: HardwareID
  /// The normalised SubjectPublicKeyInfo, DER.
  public let subjectPublicKeyInfo: [UInt8]
  /// SHA-256 of the certificate's DER.
  public let certificate: Digest
  /// SHA-256 of the anchor's DER.
  public let anchor: Digest
  /// What the certificate says of the TPM's make.
  public let make: TPMMake
  /// Whether the certificate's time, or that of one of its issuers, was over and that was accepted.
  public let isExpired: Bool
}

/// A TPM's make (TCG EK Credential Profile §3.1.2), printable text; nil where the certificate does not say it.
public struct TPMMake: Sendable, Hashable, CustomStringConvertible {
  /// `id:` and the vendor's number in hexadecimal digits, mostly.
  public let manufacturer: String?
  public let model: String?
  public let version: String?

  public var description: String {
    let parts = [
      manufacturer.map { "manufacturer \($0)" }, model.map { "model \($0)" }, version.map { "version \($0)" },
    ]
    let said = parts.compactMap { $0 }.joined(separator: ", ")
    return said.isEmpty ? "its make is not said" : said
  }

  /// The vendor's letters (TCG TPM Vendor ID Registry), as `IFX`.
  public var vendor: String? {
    guard let manufacturer, manufacturer.hasPrefix("id:"), let bytes = Hex.decode(manufacturer.dropFirst(3)) else {
      return manufacturer
    }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).trimming
  }
}

extension String {
  fileprivate var trimming: String { String(self.reversed().drop { $0 == " " }.reversed()) }
}

/// An endorsement key's certificate (TCG EK Credential Profile for TPM 2.0), in DER, as it lies in the TPM's memory or in
/// a file. Nothing is checked yet.
public struct EKCertificate: Sendable, Hashable {
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Holds the certificate to the makers' roots at `time`. One whose time is over is refused unless `acceptsExpired`:
  /// the key does not end with its certificate, and many makers' outlive theirs.
  public func appraise(
    under trust: MakerTrust, at time: Timestamp, acceptsExpired: Bool = false
  ) -> (appraisal: Appraisal, key: EndorsedKey?) {
    var appraisal = Appraisal()
    guard
      let certificate = appraisal.read(
        "EK certificate", { () throws(MalformedTPM) in try MakerCertificate(bytes, isFromMemory: true) })
    else { return (appraisal, nil) }
    appraisal.add("EK certificate", .holds(certificate.summary))
    appraisal.requireEndorsement(certificate)
    appraisal.requireValidity(certificate, at: time, acceptsExpired: acceptsExpired)
    let hardware = appraisal.requireKey(certificate.key)
    let path = MakerPath.issuers(of: certificate, trust, at: time, acceptsExpired: acceptsExpired)
    appraisal.requirePath(certificate, path)
    guard appraisal.isAccepted, let hardware, let path, let anchor = path.last else { return (appraisal, nil) }
    return (
      appraisal,
      EndorsedKey(
        hardware: hardware, subjectPublicKeyInfo: certificate.key.subjectPublicKeyInfo, certificate: certificate.digest,
        anchor: anchor.digest, make: certificate.make, isExpired: ([certificate] + path).contains { $0.notAfter < time }
      )
    )
  }
}

extension Appraisal {
  /// What makes a certificate one of an endorsement key, and no other's (TCG EK Credential Profile §3.2).
  fileprivate mutating func requireEndorsement(_ certificate: MakerCertificate) {
    let extensions = certificate.extensions
    require(
      certificate.isVersion3 && !extensions.hasUnknownCritical, "EK extensions", "all that are critical are known",
      else: "ek-extension", "expected version 3 and no unknown critical extension, found another")
    require(
      extensions.isCA != true, "EK basic constraints", "no CA", else: "certificate-is-ca",
      "expected an end entity's certificate, found a CA's")
    require(
      extensions.purposes.map { $0.contains(OID.ekCertificate) } ?? true, "EK extended key usage",
      extensions.purposes == nil ? "absent" : "tcg-kp-EKCertificate", else: "ek-extended-key-usage",
      "expected tcg-kp-EKCertificate (2.23.133.8.1) or none, found other purposes")
    require(
      extensions.isUsageOfEndorsementKey, "EK key usage", extensions.usageNames, else: "ek-key-usage",
      "expected keyEncipherment or keyAgreement and no CA's usage, found \(extensions.usageNames)")
    // A TLS certificate of the same maker has neither the purpose nor the TPM's make.
    require(
      extensions.purposes != nil || extensions.manufacturer != nil, "TPM",
      certificate.make.description, else: "ek-not-tpm",
      "expected tcg-kp-EKCertificate or the TPM's manufacturer in the subjectAltName, found neither")
  }

  fileprivate mutating func requireValidity(
    _ certificate: MakerCertificate, at time: Timestamp, acceptsExpired: Bool
  ) {
    let span = "\(certificate.notBefore) to \(certificate.notAfter)"
    guard certificate.notBefore <= time else {
      return add(
        "EK validity", .refused(code: "certificate-not-yet-valid", "expected a time in \(span), found \(time)"))
    }
    guard time <= certificate.notAfter else {
      guard acceptsExpired else {
        return add("EK validity", .refused(code: "certificate-expired", "expected a time in \(span), found \(time)"))
      }
      return add("EK validity", .holds("\(span): over, and accepted"))
    }
    add("EK validity", .holds(span))
  }

  fileprivate mutating func requireKey(_ key: MakerKey) -> HardwareID? {
    if case .p521 = key {
      add("EK", .refused(code: "ek-kind", "expected RSA, P-256 or P-384, found P-521"))
      return nil
    }
    let digest = Digest.sha256(key.subjectPublicKeyInfo)
    guard case .success(let hardware) = HardwareID.parse(.tpmEK, digest.hex) else {
      add("EK", .refused(code: "ek-kind", "expected a key of its own, found a placeholder"))
      return nil
    }
    add("EK", .holds("\(key.summary), \(hardware)"))
    return hardware
  }

  fileprivate mutating func requirePath(_ certificate: MakerCertificate, _ issuers: [MakerCertificate]?) {
    guard let issuers else {
      return add(
        "EK path",
        .refused(
          code: "certificate-untrusted", "expected a path to a self-issued certificate of the bundle, found none"))
    }
    let weak = ([certificate] + issuers.dropLast()).contains { !$0.signatureHash.isSound }
    let names = issuers.map(\.displayName).joined(separator: " < ")
    add("EK path", .holds(names + (weak ? " (signed with SHA-1, as that maker did)" : "")))
  }
}

extension MakerCertificate {
  fileprivate var summary: String {
    "\(der.count) bytes, SHA-256 \(digest.hex)" + (padding > 0 ? ", \(padding) bytes of filling behind it" : "")
  }

  fileprivate var make: TPMMake {
    TPMMake(manufacturer: extensions.manufacturer, model: extensions.model, version: extensions.version)
  }
}
