import Crypto
import Foundation
import NIOSSL
import SwiftASN1

/// The trust anchor under which the service's certificate must be. It is in the state folder before anything else is asked.
struct ServiceTrust {
  let anchors: [NIOSSLCertificate]

  /// Of a file that the device was given.
  static func keep(file: String, in folder: StateFolder) throws -> ServiceTrust {
    guard let bytes = try StateFolder.read(file) else {
      throw DeviceFailure("expected the service's trust anchor in \(file), found no file", status: 2)
    }
    let trust = try ServiceTrust(pem: bytes)
    try folder.write(.trust, bytes)
    return trust
  }

  /// By the SHA-256 of its DER: the service is asked for it once, by whoever answers (RFC 7030 §4.1.1), and what it says is
  /// held to that.
  static func keep(fingerprint: [UInt8], of server: String, in folder: StateFolder) async throws -> ServiceTrust {
    if let kept = try folder.read(.trust), let trust = try? ServiceTrust(pem: kept),
      try trust.anchors.map({ Array(SHA256.hash(data: try $0.toDERBytes())) }) == [fingerprint]
    {
      return trust
    }
    let shown = try await ServiceClient.with(server, trust: nil) { try await $0.authorities() }
    guard let root = shown.first(where: { Array(SHA256.hash(data: $0)) == fingerprint }) else {
      throw DeviceFailure(
        "expected a trust anchor with the fingerprint that this device was given, found the service showing others: "
          + "is it the right service?")
    }
    let pem = Array((PEMDocument(type: "CERTIFICATE", derBytes: root).pemString + "\n").utf8)
    let trust = try ServiceTrust(pem: pem)
    try folder.write(.trust, pem)
    return trust
  }

  static func read(_ folder: StateFolder) throws -> ServiceTrust {
    guard let bytes = try folder.read(.trust) else {
      throw DeviceFailure("expected the service's trust anchor in \(folder.path(of: .trust)), found none: enroll first")
    }
    return try ServiceTrust(pem: bytes)
  }

  private init(pem: [UInt8]) throws(DeviceFailure) {
    guard let anchors = try? NIOSSLCertificate.fromPEMBytes(pem), !anchors.isEmpty else {
      throw DeviceFailure("expected a trust anchor in PEM, found something else")
    }
    self.anchors = anchors
  }
}
