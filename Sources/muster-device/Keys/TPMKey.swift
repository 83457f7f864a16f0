import Crypto
import Foundation
import MusterModel
import TPMCommands
import TPMDevice

/// A key that a TPM holds; in the state folder lies what that TPM alone can read.
struct TPMKey: DeviceKey {
  let tpm: TPMDeviceKeys
  let blob: TPMKeyBlob
  let publicKey: P256.Signing.PublicKey

  /// The key of the state folder; made, and on disk, where there is none.
  static func inFolder(_ folder: StateFolder, _ tpm: TPMDeviceKeys) throws -> TPMKey {
    if let kept = try read(folder, tpm) { return kept }
    let blob = try tpm.makeKey()
    try folder.write(.tpmKey, TSS2PrivateKey.pem(blob))
    return try TPMKey(tpm, blob)
  }

  /// nil where there is none.
  static func read(_ folder: StateFolder, _ tpm: TPMDeviceKeys) throws -> TPMKey? {
    guard let bytes = try folder.read(.tpmKey) else { return nil }
    guard let blob = TSS2PrivateKey.read(bytes) else { throw damaged(folder) }
    return try TPMKey(tpm, blob)
  }

  private static func damaged(_ folder: StateFolder) -> DeviceFailure {
    DeviceFailure("expected a TPM's key in \(folder.path(of: .tpmKey)), found something else")
  }

  private init(_ tpm: TPMDeviceKeys, _ blob: TPMKeyBlob) throws {
    guard let point = blob.point, let key = try? P256.Signing.PublicKey(rawRepresentation: point) else {
      throw DeviceFailure("expected a P-256 key of the TPM, found another")
    }
    self.tpm = tpm
    self.blob = blob
    publicKey = key
  }

  var place: String { "in the TPM at \(tpm.place), which it cannot leave" }

  func sign(_ message: [UInt8]) async throws -> [UInt8] { try await onItsThread { try signature(over: message) } }

  private func signature(over message: [UInt8]) throws -> [UInt8] {
    let raw: [UInt8]
    do { raw = try tpm.sign(Array(SHA256.hash(data: message)), with: blob) } catch {
      throw DeviceFailure(error.description, isPassing: error.isPassing)
    }
    return Array(try P256.Signing.ECDSASignature(rawRepresentation: raw).derRepresentation)
  }
}
