import Foundation
import NIOSSL
import ServiceAnswers

/// The device as its state folder has it: enrolled, with its key at hand.
struct Device {
  let folder: StateFolder
  let settings: Settings
  let key: any DeviceKey
  let certificate: DeviceCertificate

  static func read(_ folder: StateFolder) throws -> Device {
    guard let settings = try Settings.read(folder), let certificate = try DeviceCertificate.read(folder) else {
      throw DeviceFailure("expected an enrolled device in \(folder.path), found none: enroll first")
    }
    guard let key = try readKey(folder, settings) else {
      throw DeviceFailure("expected the device's key, found none: unenroll, and enroll anew with a new ticket")
    }
    try certificate.require(key.publicKey)
    return Device(folder: folder, settings: settings, key: key, certificate: certificate)
  }

  private static func readKey(_ folder: StateFolder, _ settings: Settings) throws -> (any DeviceKey)? {
    if let tpm = try settings.keys() { return try TPMKey.read(folder, tpm) }
    if let token = try settings.token(folder) { return try TokenKey.read(folder, token) }
    return try KeyFile.read(settings.keyFile ?? folder.path(of: .privateKey))
  }

  /// A client that shows the device's certificate.
  func withClient<Value>(_ body: (ServiceClient) async throws -> Value) async throws -> Value {
    let chain = try NIOSSLCertificate.fromPEMBytes(try folder.read(.certificate) ?? [])
    let trust = try ServiceTrust.read(folder).anchors
    let identity = TLSIdentity(chain: chain, key: try key.tlsKey())
    do {
      return try await ServiceClient.with(settings.server, trust: trust, as: identity, body)
    } catch let failure as DeviceFailure where failure.code == nil {
      // Where the key did not sign, TLS says only that the handshake failed: the key says why.
      _ = try await key.sign([])
      throw failure
    }
  }

  /// What the service says of it, which by that has seen its certificate.
  func identity() async throws -> IdentityAnswer {
    try await withClient { try ServiceAnswer.decode(try await $0.get("/v1/identity")) }
  }

  /// Renews for the key that it has, so that whatever is cut off, certificate and key belong together. What was issued is on
  /// disk when it returns; asked again after a lost answer, the service gives the same.
  func renewed() async throws -> DeviceCertificate {
    let request = try await key.request(commonName: certificate.deviceID)
    let (leaf, issuers) = try await withClient { client in
      let issued = try await client.renew(request)
      guard let leaf = issued.first else { throw DeviceFailure("expected a certificate of the service, found none") }
      return (leaf, try await client.authorities())
    }
    let pem = try RenewedChain.pem(leaf, issuers)
    let certificate = try DeviceCertificate(pem: pem)
    try certificate.require(key.publicKey)
    try folder.write(.certificate, pem)
    return certificate
  }
}
