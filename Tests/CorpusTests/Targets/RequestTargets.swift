import MusterModel

@testable import CertificateAuthority

let requestTargets = [
  FuzzTarget("certificate-request", upTo: 4096, certificateRequest),
  FuzzTarget("public-key", upTo: 1024, publicKey),
  FuzzTarget("ocsp-request", upTo: 1024, ocspRequest),
  FuzzTarget("issued-certificate", upTo: 2048, issuedCertificate),
]

/// What verified verifies again from its own bytes, as the same, and no byte can be added to it.
@Sendable private func certificateRequest(_ bytes: [UInt8]) throws -> Bool {
  switch CertificateRequest.verify(bytes, blocked: .none) {
  case .failure(let refusal):
    try requirePlain(refusal)
    return false
  case .success(let request):
    try require(request.der == bytes, "expected the request as it was sent")
    try require(
      CertificateRequest.verify(request.der, blocked: .none) == .success(request), "expected the same a second time")
    try require(
      CertificateRequest.verify(bytes, blocked: BlockedKeys(digests: [request.publicKey])) == .failure(.keyBlocked),
      "expected a blocked key to be refused")
    if case .success = CertificateRequest.verify(bytes + [0], blocked: .none) {
      throw BrokenInvariant(description: "expected a trailing byte to be refused")
    }
    return true
  }
}

/// One key has one encoding: what is read is all that was given.
@Sendable private func publicKey(_ bytes: [UInt8]) throws -> Bool {
  switch SubjectPublicKey.check(bytes, blocked: .none) {
  case .failure(let refusal):
    try requirePlain(refusal)
    return false
  case .success(let key):
    try require(key.der == bytes && key.digest == .sha256(bytes), "expected the key as it was sent")
    try require(SubjectPublicKey.check(key.der, blocked: .none) == .success(key), "expected the same a second time")
    return true
  }
}

/// What is asked is within its bounds, and answered by the bytes that were sent.
@Sendable private func ocspRequest(_ bytes: [UInt8]) throws -> Bool {
  guard let request = OCSPRequest.parse(bytes) else { return false }
  try require(
    (1...OCSPRequest.certificateLimit).contains(request.certificates.count),
    "expected 1 to \(OCSPRequest.certificateLimit) certificates, found \(request.certificates.count)")
  try require(
    request.nonce.map { (1...128).contains($0.count) } ?? true, "expected a nonce of 1 to 128 bytes")
  for one in request.certificates {
    try require(one.serial.count <= 20 && one.serial.first != 0, "expected a serial's magnitude, found \(one.serial)")
    try require(bytes.firstRange(of: one.der) != nil, "expected the certificate's ID as it was sent")
  }
  try require(OCSPRequest.parse(bytes) == request, "expected the same a second time")
  return true
}

/// The strict reader that this CA's own certificates are held to: what was read stands in the bytes.
@Sendable private func issuedCertificate(_ bytes: [UInt8]) throws -> Bool {
  try takes(orRefusesBy: MalformedDER.self) {
    let contents = try CertificateContents(bytes)
    for part in [contents.issuer, contents.subject, contents.subjectPublicKeyInfo, Array(contents.signed)] {
      try require(bytes.firstRange(of: part) != nil, "expected a field as it was sent")
    }
    try require(!contents.extensions.isEmpty, "expected an extension")
    try require(contents.serial.first != 0, "expected a serial's magnitude")
  }
}
