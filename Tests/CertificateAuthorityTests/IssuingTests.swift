import Crypto
import Foundation
import MusterModel
import MusterTesting
import Testing
import X509

@testable import CertificateAuthority
@testable import Policy

@Suite struct IssuingTests {
  let instance: Instance
  let openssl: OpenSSL

  init() throws {
    instance = try Instance()
    openssl = try OpenSSL()
    try openssl.write(pem: [instance.hierarchy.root.issuer.certificate], "root.pem")
    try openssl.write(pem: [instance.devices.certificate, instance.service.certificate], "chain.pem")
  }

  private func verify(_ der: [UInt8], _ more: String...) throws -> OpenSSL.Outcome {
    try openssl.write(pem: [der], "leaf.pem")
    return try openssl.run(
      ["verify", "-x509_strict", "-attime", instance.attime, "-CAfile", "root.pem", "-untrusted", "chain.pem"]
        + more + ["leaf.pem"])
  }

  @Test(arguments: [
    ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], ["ed25519"],
    ["rsa:2048"], ["rsa:3072"],
  ])
  func `openssl's own requests are certified, and openssl verifies the chain strictly`(algorithm: [String]) async throws
  {
    let request = try CertificateRequest.verify(openssl.request(algorithm), blocked: .none).get()
    let issued = try await instance.issueDevice("meter-7", request)
    let outcome = try verify(issued.der, "-purpose", "sslclient")
    #expect(outcome.status == 0, "\(outcome.text)")
    #expect(try verify(issued.der, "-purpose", "sslserver").status != 0)
  }

  @Test func `a device certificate says what the formats say, in openssl's words`() async throws {
    let issued = try await instance.issueDevice("meter-7", shard: 3)
    try openssl.write(issued.der, "leaf.der")
    let text = try openssl.run("x509", "-inform", "DER", "-in", "leaf.der", "-noout", "-text").text
    let keyID = instance.devices.keyID
    for expected in [
      "Version: 3 (0x2)", "Signature Algorithm: ecdsa-with-SHA256", "Subject: CN = meter-7\n",
      "X509v3 Basic Constraints: critical\n                CA:FALSE",
      "X509v3 Key Usage: critical\n                Digital Signature\n",
      "X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n",
      "URI:spiffe://plant.example/device/meter-7, DNS:\(issued.facts.serial).cert.plant.example\n",
      "URI:http://muster.plant.example:8080/crl/\(keyID)/3.crl\n",
      "OCSP - URI:http://muster.plant.example:8080/ocsp\n",
      "CA Issuers - URI:http://muster.plant.example:8080/ca/\(keyID).cer\n",
      "Not Before: Jun 15 14:06:40 2025 GMT", "Not After : Jul 17 15:06:40 2026 GMT",
    ] { #expect(text.contains(expected), "\(expected) in \(text)") }
    let serial = try openssl.run("x509", "-inform", "DER", "-in", "leaf.der", "-noout", "-serial").text
    #expect(serial.lowercased().contains(issued.facts.serial.drop { $0 == "0" }))
    #expect(issued.facts.publicKey == (try Certificate(derEncoded: issued.der)).digestOfKey)
    #expect(issued.facts.der == Digest.sha256(issued.der))
  }

  @Test func `what is to be signed is byte for byte what the library would sign`() async throws {
    let key = P256.Signing.PrivateKey()
    let request = try CertificateRequest.verify(Instance.requestDER(key), blocked: .none).get()
    let identity = instance.identity(shard: 7)
    let unsigned = try instance.certification("device").prepare(
      instance.devicePermit(), request: request, identity: identity, now: instance.now
    ).get()
    #expect(try unsigned.toBeSigned == LibraryCertificate.toBeSigned(instance, key.publicKey, identity))
  }

  @Test func `every profile issues, and the service's own certificates verify`() async throws {
    guard let name = RecordName("anna@plant.example") else { throw Unmet(description: "name") }
    let request = try Instance.request()
    let subjects: [(IssuancePermit.Subject, String, String)] = [
      (.operator(RecordID(.operator, UUIDv7(at: instance.now)), name), "operator", "sslclient"),
      (.hub(RecordID(.hub, UUIDv7(at: instance.now)), name, host: "hub.plant.example"), "hub", "sslserver"),
      (.server(hostnames: ["muster.plant.example", "127.0.0.1", "::1"]), "server", "sslserver"),
      (.ocspResponder, "ocsp-responder", "ocsphelper"),
    ]
    for (subject, profile, purpose) in subjects {
      let issued = try await instance.certification(profile).issue(
        instance.permit(subject, profile: profile), key: request.key, identity: instance.identity(), now: instance.now
      ).get()
      let outcome = try verify(issued.der, "-purpose", purpose)
      #expect(outcome.status == 0, "\(profile): \(outcome.text)")
    }
    let text = try openssl.run("x509", "-in", "leaf.pem", "-noout", "-text").text
    #expect(text.contains("OCSP Signing") && text.contains("OCSP No Check"))
  }

  @Test func `a server's certificate holds for its hosts and addresses, and for no other`() async throws {
    let request = try Instance.request()
    let issued = try await instance.certification("server").issue(
      instance.permit(.server(hostnames: ["muster.plant.example", "127.0.0.1", "::1"]), profile: "server"),
      key: request.key, identity: instance.identity(), now: instance.now
    ).get()
    #expect(try verify(issued.der, "-verify_hostname", "muster.plant.example").status == 0)
    #expect(try verify(issued.der, "-verify_ip", "127.0.0.1").status == 0)
    #expect(try verify(issued.der, "-verify_ip", "::1").status == 0)
    #expect(try verify(issued.der, "-verify_hostname", "plant.example").status != 0)
  }

  @Test func `a device certificate never outlives its issuer, nor begins before it`() async throws {
    let late = instance.devices.notAfter - .seconds(3600)
    let request = try Instance.request()
    let certification = try instance.certification("device")
    let issued = try await certification.issue(
      instance.devicePermit(), request: request, identity: instance.identity(), now: late
    ).get()
    #expect(issued.facts.notAfter == instance.devices.notAfter)
    let early = try await certification.issue(
      instance.devicePermit(), request: request, identity: instance.identity(), now: instance.devices.notBefore
    ).get()
    #expect(early.facts.notBefore == instance.devices.notBefore)
    for time in [instance.devices.notAfter, instance.devices.notBefore - .seconds(1)] {
      let result = try await certification.issue(
        instance.devicePermit(), request: request, identity: instance.identity(), now: time)
      #expect(throws: IssuanceRefusal.issuerOutOfTime) { try result.get() }
    }
  }

  @Test func `a permit for another profile or subject issues nothing`() async throws {
    let request = try Instance.request()
    let device = try instance.devicePermit()
    let wrongProfile = try await instance.certification("operator").issue(
      device, request: request, identity: instance.identity(), now: instance.now)
    #expect(throws: IssuanceRefusal.self) { try wrongProfile.get() }
    let wrongSubject = try await instance.certification("device").issue(
      instance.permit(.server(hostnames: ["a.example"]), profile: "device"), request: request,
      identity: instance.identity(), now: instance.now)
    #expect(throws: IssuanceRefusal.self) { try wrongSubject.get() }
    #expect(throws: CertificationError.self) { try instance.certification("device", instance.service) }
  }

  @Test func `a signature by another key is found before anything is released`() async throws {
    let unsigned = try instance.certification("device").prepare(
      instance.devicePermit(), request: Instance.request(), identity: instance.identity(), now: instance.now
    ).get()
    let (_, other) = try SoftwareSigner.generate(.p256)
    #expect(throws: CertificationError.self) { try unsigned.signed(with: other.signature(of: unsigned.toBeSigned)) }
    let signature = try await instance.devices.signer.sign(unsigned.toBeSigned)
    #expect(try unsigned.signed(with: signature).der.count > 500)
  }

  @Test func `signed at once, it is held to its permit too`() async throws {
    let unsigned = try instance.certification("device").prepare(
      instance.devicePermit(), request: Instance.request(), identity: instance.identity(), now: instance.now
    ).get()
    #expect(try verify(unsigned.signedAtOnce().checked().der).status == 0)
    var changed = unsigned.toBeSigned
    changed[changed.endIndex - 1] ^= 1
    #expect(throws: CertificationError.self) { try unsigned.with(toBeSigned: changed).signedAtOnce().checked() }
  }

  @Test func `what is read back is what the library reads`() async throws {
    let der = try await instance.issueDevice("meter-7").der
    let contents = try CertificateContents(der)
    let library = try Certificate(derEncoded: der)
    #expect(contents.serial.elementsEqual(library.serialNumber.bytes.drop { $0 == 0 }))
    #expect(contents.notBefore.seconds == Int64(library.notValidBefore.timeIntervalSince1970))
    #expect(contents.notAfter.seconds == Int64(library.notValidAfter.timeIntervalSince1970))
    #expect(contents.signed.elementsEqual(library.tbsCertificateBytes))
    #expect(contents.extensions.count == library.extensions.count)
    for (own, theirs) in zip(contents.extensions, library.extensions) {
      #expect(own.isCritical == theirs.critical && own.value.elementsEqual(theirs.value))
    }
  }

  @Test func `what the library cannot read as DER is not read back either, wherever a byte is changed`() async throws {
    let der = try await instance.issueDevice("meter-7").der
    var refused = 0
    for index in der.indices {
      for bit in [0x01, 0x20, 0x80] as [UInt8] {
        var changed = der
        changed[index] ^= bit
        guard let contents = try? CertificateContents(changed) else {
          refused += 1
          continue
        }
        // What lies deeper is compared whole with what is expected, and not read.
        let library = try? Certificate(derEncoded: changed)
        #expect(library.map { contents.signed.elementsEqual($0.tbsCertificateBytes) } ?? true, "byte \(index)")
      }
    }
    #expect(refused > 100)
  }

  @Test(
    arguments: [
      [0x30, 0x80, 0x00, 0x00], [0x30, 0x81, 0x01, 0x00], [0x30, 0x82, 0x00, 0x80], [0x30, 0x02, 0x00], [0x30],
      [0x1f, 0x01, 0x00],
      [0x30, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00], [0x30, 0xff],
    ] as [[UInt8]])
  func `a length that is not in its one form is refused`(der: [UInt8]) {
    var reader = DERReader(der[...], "a test")
    #expect(throws: MalformedDER.self) { _ = try reader.take("a value") }
  }

  @Test func `each field that differs from its permit is found when it is read back`() async throws {
    let unsigned = try instance.certification("device").prepare(
      instance.devicePermit(), request: Instance.request(), identity: instance.identity(), now: instance.now
    ).get()
    var found = 0
    for index in unsigned.toBeSigned.indices.dropFirst(4) {
      var changed = unsigned.toBeSigned
      changed[index] ^= 1
      let forged = unsigned.with(toBeSigned: changed)
      let signature = try await instance.devices.signer.sign(changed)
      #expect(throws: CertificationError.self, "byte \(index)") { try forged.signed(with: signature) }
      found += 1
    }
    #expect(found > 500)
  }
}

extension UnsignedCertificate {
  fileprivate func with(toBeSigned: [UInt8]) -> UnsignedCertificate {
    UnsignedCertificate(
      toBeSigned: toBeSigned, permit: permit, profile: profile, issuer: issuer, identity: identity, key: key,
      request: request, now: now, record: record)
  }
}

extension Certificate {
  fileprivate var digestOfKey: MusterModel.Digest? {
    (try? publicKey.serializeAsPEM().derBytes).map { MusterModel.Digest.sha256($0) }
  }
}
