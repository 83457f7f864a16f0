import Foundation
import HubAccess
import MusterModel

/// What a follower does about a change: the CRL first, so that a command that makes a broker read it finds it; then the
/// command, one change after the other. It returns once all is done.
struct HubEnforcement: Sendable {
  let command: String?
  let list: CRLFile?

  func enforce(_ changes: [HubChange]) async throws {
    try await list?.hold(changes)
    for change in changes {
      if let command { try await run(command, change) }
      // Not by `print`, which keeps lines back where nobody types.
      try? FileHandle.standardOutput.write(contentsOf: Data((line(change) + "\n").utf8))
    }
  }

  private func line(_ change: HubChange) -> String {
    let parts = [
      SystemClock().now().description, change.change.rawValue, change.deviceID?.text ?? change.device.description,
      change.serial, change.reason?.rawValue, "at \(change.position)",
    ]
    return parts.compactMap(\.self).joined(separator: " ")
  }

  private func run(_ command: String, _ change: HubChange) async throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    process.environment = ProcessInfo.processInfo.environment.merging(try variables(change)) { $1 }
    // No pipe: one that the command does not read to its end would end this process.
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.standardError
    let status: Int32 = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do {
        try process.run()
      } catch {
        continuation.resume(throwing: error)
      }
    }
    guard status == 0 else {
      throw CommandFailure("expected the command to end with 0 for \(line(change)), found \(status)", isPassing: true)
    }
  }

  private func variables(_ change: HubChange) throws -> [String: String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return [
      "MUSTER_CHANGE": change.change.rawValue, "MUSTER_DEVICE": change.device.description,
      "MUSTER_DEVICE_ID": change.deviceID?.text ?? "", "MUSTER_SERIAL": change.serial ?? "",
      "MUSTER_FINGERPRINT": change.fingerprint ?? "", "MUSTER_REASON": change.reason?.rawValue ?? "",
      "MUSTER_POSITION": String(change.position),
      "MUSTER_JSON": String(decoding: try encoder.encode(change), as: UTF8.self),
    ]
  }
}

/// The devices' CRL in a file, for brokers that read one. A list is signed soon after the commit that it follows from: it
/// is fetched until it says what the changes say.
struct CRLFile: Sendable {
  let path: String
  let client: APIClient

  private static let attempts = 200
  private static let interval = Duration.milliseconds(25)

  func hold(_ changes: [HubChange]) async throws {
    var wanted: [String: [Wanted]] = [:]
    for change in changes where change.change == .revoked || change.change == .released {
      guard let issuer = change.issuerKeyID, let serial = change.serial.flatMap({ Hex.decode($0) }) else { continue }
      // Of two changes of one certificate the last counts.
      wanted[issuer, default: []].removeAll { $0.serial == serial }
      wanted[issuer, default: []].append(Wanted(serial: serial, isListed: change.change == .revoked))
    }
    for (issuer, entries) in wanted.sorted(by: { $0.key < $1.key }) { try await hold(entries, of: issuer) }
  }

  private struct Wanted {
    let serial: [UInt8]
    let isListed: Bool
  }

  private func hold(_ entries: [Wanted], of issuer: String) async throws {
    for _ in 0..<CRLFile.attempts {
      let list = try await client.bytes("/crl/\(issuer).crl")
      if entries.allSatisfy({ CRLFile.lists($0.serial, list) == $0.isListed }) {
        return try writeFile(path, list, mode: 0o644)
      }
      try await Task.sleep(for: CRLFile.interval)
    }
    throw CommandFailure("expected a CRL that tells of the change, found an older one", isPassing: true)
  }

  /// Whether an entry with this serial stands there: as a DER INTEGER of 16 random bytes it stands nowhere by chance.
  private static func lists(_ serial: [UInt8], _ list: [UInt8]) -> Bool {
    let entry = [0x02, UInt8(serial.count)] + serial
    return Data(list).range(of: Data(entry)) != nil
  }
}
