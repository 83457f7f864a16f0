import Enrollment
import Foundation
import NIOCore

/// A device that is about to enroll by EST: its ticket, and the request for its key.
struct DeviceRequest: Sendable {
  /// PKCS #10.
  let der: [UInt8]
  private let body: ByteBuffer
  private let authorization: String

  /// Makes the key, and has the ticket issued.
  static func make(
    _ id: String, hardware: String, group: String? = BenchPeople.group, by client: BenchClient
  ) async throws -> DeviceRequest {
    let ticket: IssuedTicket = try await client.post(
      "/v1/tickets",
      TicketInput(hardware: hardware, deviceID: id, swap: nil, validSeconds: nil, group: group))
    let der = try PeerKey().request(commonName: id)
    let basic = Data("\(id):\(ticket.code)".utf8).base64EncodedString()
    return DeviceRequest(
      der: der, body: ByteBuffer(string: Data(der).base64EncodedString()), authorization: "Basic \(basic)")
  }

  func enroll(by client: BenchClient) async throws -> EnrollmentAnswer {
    EnrollmentAnswer(
      body: try await client.send(
        .POST, "/.well-known/est/simpleenroll", type: "application/pkcs10", authorization: authorization, body))
  }
}

/// Certs-only CMS in base64 (RFC 7030 §4.2.3).
struct EnrollmentAnswer {
  let body: ByteBuffer

  /// The device's certificate, by openssl.
  func leaf() throws -> [UInt8] {
    let text = "-----BEGIN PKCS7-----\n\(String(buffer: body))\n-----END PKCS7-----\n"
    let pem = try OpenSSLTool.run(["pkcs7", "-print_certs"], input: Data(text.utf8))
    return try PEM.firstCertificate([UInt8](pem))
  }
}
