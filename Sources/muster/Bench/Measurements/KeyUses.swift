import Enrollment
import Foundation
import KeyVault
import MusterModel
import NIOCore

/// Somebody who has 64 bytes encrypted or authenticated at a time, many in one request.
struct KeyUses: Measurement {
  enum Use: String, Sendable { case encrypt, mac }

  private static let items = 256
  let use: Use
  var name: String { "key-\(use.rawValue)" }
  var title: String { use == .encrypt ? "encryption by a key ring" : "MAC by a key ring" }

  func figure(on stage: BenchStage) async throws -> Figure {
    try await stage.client(stage.people.administrator) { client in
      let kind = use == .encrypt ? RingKind.aes256GCM : .hmacSHA256
      let _: KeyRingDetail = try await client.post(
        "/v1/keys", KeyRingInput(name: "bench-\(use.rawValue)", kind: kind.rawValue))
      let item = KeyItem(data: Data(repeating: 0x5a, count: 64).base64EncodedString())
      let question = ByteBuffer(
        data: try JSONEncoder().encode(KeyItems(items: Array(repeating: item, count: KeyUses.items))))
      let path = "/v1/keys/bench-\(use.rawValue)/\(use.rawValue)"
      let load = try await stage.server.load(
        max(1, stage.plan.tokens / KeyUses.items), connections: stage.plan.connections
      ) { _ in
        let answer = try await client.send(.POST, path, type: "application/json", question)
        let results = try JSONDecoder().decode(KeyItemResults.self, from: Data(buffer: answer)).results
        guard results.count == KeyUses.items, results.allSatisfy({ $0.text != nil }) else {
          throw CommandFailure("expected a result for each item, found others")
        }
      }
      return switch use {
      case .encrypt:
        figure(load, per: KeyUses.items, baseline: "AES-GCM", stage.baselines.seal)
      case .mac: figure(load, per: KeyUses.items, baseline: "HMAC", stage.baselines.mac)
      }
    }
  }
}

/// The same without the way there: what the vault itself takes, on one thread.
struct KeyUsesInside: Measurement {
  let use: KeyUses.Use
  var name: String { "key-\(use.rawValue)-inside" }
  var title: String { (use == .encrypt ? "encryption" : "MAC") + " inside the vault" }

  func figure(on stage: BenchStage) async throws -> Figure {
    let vault = Vault()
    try vault.unseal(root: RootKey.random(), keks: [])
    _ = try vault.addKEK()
    let now = SystemClock().now()
    let (ring, record) = (RecordID(.key, UUIDv7(at: now)), RecordID(.key, UUIDv7(at: now)))
    let kind = use == .encrypt ? RingKind.aes256GCM : .hmacSHA256
    let sealed = try vault.makeRingKey(record, of: kind, ring: ring, version: 1).sealed
    let message = SecretBytes.random(count: 64)
    let clock = ContinuousClock()
    var latencies: [Double] = []
    latencies.reserveCapacity(stage.plan.tokens)
    for _ in 0..<stage.plan.tokens {
      let began = clock.now
      let key = try vault.ringKey(sealed, of: kind, ring: ring)
      _ = use == .encrypt ? try key.encrypt(message, .none) : try key.mac(message, .none)
      latencies.append((clock.now - began).seconds * 1000)
    }
    let spent = latencies.reduce(0, +)
    let load = Load(latencies: latencies.sorted(), seconds: spent / 1000, cpuMicroseconds: spent * 1000)
    return use == .encrypt
      ? figure(load, baseline: "AES-GCM", stage.baselines.seal) : figure(load, baseline: "HMAC", stage.baselines.mac)
  }
}
