public import Crypto
public import Foundation

/// Reads the JSON that the service answers with. Fields that are not known are passed over: a service may be newer.
public enum ServiceAnswer {
  /// No answer is longer than this, in bytes.
  public static let sizeLimit = 1 << 20

  public static func decode<Answer: Decodable>(_ content: Data) throws(UnreadableAnswer) -> Answer {
    do {
      return try JSONDecoder().decode(Answer.self, from: content)
    } catch let refusal as UnreadableAnswer {
      throw refusal
    } catch {
      throw UnreadableAnswer("expected an answer of the service, found another text")
    }
  }
}

/// Of `POST /v1/attestations`.
public struct ChallengeAnswer: Decodable, Sendable {
  /// Fit to stand in a path.
  public let attestation: String
  public let nonce: [UInt8]
  /// TPM2B_ID_OBJECT.
  public let credential: [UInt8]
  /// TPM2B_ENCRYPTED_SECRET.
  public let encryptedSecret: [UInt8]
  /// Registers that a quote is wanted of, rising.
  public let pcrs: [Int]

  private enum CodingKeys: CodingKey { case attestation, nonce, credential, encryptedSecret, pcrs }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    func bytes(_ key: CodingKeys, _ sizes: ClosedRange<Int>) throws -> [UInt8] {
      let bytes = Array(try fields.decode(Data.self, forKey: key))
      guard sizes.contains(bytes.count) else {
        throw UnreadableAnswer("expected a challenge with \(sizes) bytes of \(key.stringValue), found \(bytes.count)")
      }
      return bytes
    }
    attestation = try fields.decode(String.self, forKey: .attestation)
    guard attestation.utf8.count <= 64,
      attestation.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
    else { throw UnreadableAnswer("expected the ID of a challenge, found another text") }
    nonce = try bytes(.nonce, 16...64)
    credential = try bytes(.credential, 2...256)
    encryptedSecret = try bytes(.encryptedSecret, 2...1024)
    pcrs = Set(try fields.decodeIfPresent([Int].self, forKey: .pcrs) ?? []).sorted()
    guard pcrs.allSatisfy((0..<24).contains) else {
      throw UnreadableAnswer("expected registers from 0 to 23, found others")
    }
  }
}

/// Of an enrollment; the certificate is kept apart.
public struct EnrolledAnswer: Decodable, Sendable {
  public struct Keys: Decodable, Sendable {
    public let primary: DeviceKeyAnswer
    public let secondary: DeviceKeyAnswer
  }

  public let deviceID: String
  /// PEM.
  public let certificate: String?
  /// PEM.
  public let issuer: String?
  /// Where symmetric keys were asked for.
  public let keys: Keys?
  public let position: UInt64
}

/// A symmetric key of the device: one of an enrollment's, or of `GET /v1/identity/key`.
public struct DeviceKeyAnswer: Decodable, Sendable {
  public let version: UInt32
  /// 16 to 64 bytes.
  public let key: SymmetricKey

  private enum CodingKeys: CodingKey { case version, key }
  private static let sizes = 16...64

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    version = try fields.decode(UInt32.self, forKey: .version)
    let bytes = try fields.decode(Data.self, forKey: .key)
    guard DeviceKeyAnswer.sizes.contains(bytes.count) else {
      throw UnreadableAnswer("expected a key of \(DeviceKeyAnswer.sizes) bytes, found \(bytes.count)")
    }
    key = SymmetricKey(data: bytes)
  }
}

/// Of `GET /v1/identity`, as far as it is shown.
public struct IdentityAnswer: Decodable, Sendable {
  /// Between which times the device is to renew (RFC 9773 §4.2).
  public struct Window: Decodable, Sendable {
    public let start: Date
    public let end: Date

    private enum CodingKeys: CodingKey { case start, end }

    public init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: CodingKeys.self)
      func time(_ key: CodingKeys) throws -> Date {
        let text = try fields.decode(String.self, forKey: key)
        guard let time = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) else {
          throw UnreadableAnswer("expected a time, found \(printable(text))")
        }
        return time
      }
      (start, end) = (try time(.start), try time(.end))
    }
  }

  public let deviceID: String
  public let state: String
  public let group: String?
  public let serial: String
  public let notAfter: String
  public let key: String
  /// nil of an older service.
  public let suggestedWindow: Window?
}

/// A refusal (RFC 9457).
public struct ProblemAnswer: Decodable, Sendable {
  public let code: String
  public let title: String
  public let detail: String?
}
