import Foundation
import ServiceAnswers

/// Follows a rollover of the device's symmetric key (`Docs/rollover.md`). It asks by the key in use, which proves that one. A new
/// key is on disk, beside it, before it is used; its first use is its proof, and only then the old one goes. Cut off anywhere it
/// asks again, and is told the same.
struct KeyRollover {
  let device: Device

  private static let path = "/v1/identity/key"
  /// How long a question's token is good.
  private static let validity: TimeInterval = 600

  private enum Answer: Equatable {
    case key(SymmetricKeys.Version)
    /// There is no new one.
    case nothing
    /// The service does not know the device by the key that asked.
    case wrong
  }

  /// The keys that there are then; nil where the device has none.
  func follow() async throws -> SymmetricKeys? {
    guard let kept = try SymmetricKeys.read(device.folder) else { return nil }
    let trust = try ServiceTrust.read(device.folder).anchors
    return try await ServiceClient.with(device.settings.server, trust: trust) { try await follow(kept, $0) }
  }

  private func follow(_ kept: SymmetricKeys, _ client: ServiceClient) async throws -> SymmetricKeys {
    var (keys, answer) = try await known(kept, client)
    if case .key(let new) = answer, new.number != keys.primary.number {
      keys = try keep(SymmetricKeys(primary: new, secondary: keys.primary))
      answer = try await ask(by: new, client)
    }
    guard answer != .wrong, let old = keys.secondary, old.number < keys.primary.number else { return keys }
    return try keep(SymmetricKeys(primary: keys.primary, secondary: nil))
  }

  private func keep(_ keys: SymmetricKeys) throws -> SymmetricKeys {
    try keys.write(to: device.folder)
    return keys
  }

  /// With the key that the service knows the device by as the primary, and what it said to that one.
  private func known(_ kept: SymmetricKeys, _ client: ServiceClient) async throws -> (SymmetricKeys, Answer) {
    let first = try await ask(by: kept.primary, client)
    guard first == .wrong else { return (kept, first) }
    // A rollover that was aborted took the new one back.
    if let other = kept.secondary {
      let second = try await ask(by: other, client)
      if second != .wrong { return (try keep(SymmetricKeys(primary: other, secondary: nil)), second) }
    }
    // The old one was taken at the deadline.
    let last = try await device.withClient { try await ask($0) }
    guard case .key = last else {
      throw DeviceFailure(
        "expected the service to know the device by a symmetric key that it has, found that it knows others\n"
          + "  the operator makes it new ones: muster device rekey \(device.certificate.deviceID)")
    }
    return (kept, last)
  }

  private func ask(by key: SymmetricKeys.Version, _ client: ServiceClient) async throws -> Answer {
    guard let domain = device.certificate.trustDomain else {
      throw DeviceFailure("expected a device's SPIFFE ID in its certificate, found none: it names whom to ask")
    }
    let resource = "\(domain)/identity/\(device.certificate.deviceID)"
    return try await ask(client, by: key.token(for: resource, until: Date() + KeyRollover.validity))
  }

  /// By a token, or by the certificate that the client shows.
  private func ask(_ client: ServiceClient, by token: String? = nil) async throws -> Answer {
    do {
      let answer: DeviceKeyAnswer = try ServiceAnswer.decode(
        try await client.get(KeyRollover.path, authorization: token))
      return .key(SymmetricKeys.Version(answer))
    } catch let failure as DeviceFailure where failure.code == "no-new-key" {
      return .nothing
    } catch let failure as DeviceFailure where failure.code == "token-wrong" && token != nil {
      return .wrong
    }
  }
}
