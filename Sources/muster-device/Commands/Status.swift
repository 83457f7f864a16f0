import ArgumentParser
import Foundation
import ServiceAnswers

struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Shows the device's certificate and key; asks nobody. Exit status 1 where it has no certificate in its time.",
    discussion: "Example: muster-device status --state /var/lib/muster-device")
  @OptionGroup var state: StateOptions

  func run() async throws {
    let device = try state.device()
    let certificate = device.certificate
    print("device   \(certificate.deviceID)")
    print("service  \(device.settings.server)")
    print("serial   \(certificate.serial)")
    print("until    \(certificate.leaf.notValidAfter.shown)")
    print("renews   from \(certificate.renewalDue.shown)")
    print("key      \(device.key.place)")
    if let keys = try SymmetricKeys.read(device.folder) {
      let beside = keys.secondary.map { "; key \($0.number) is there too" } ?? ""
      print("tokens   signed with key \(keys.primary.number)\(beside)")
    }
    guard certificate.isValid(at: Date()) else {
      throw DeviceFailure("expected a certificate in its time, found it over: enroll anew, with a new ticket")
    }
  }
}

struct Connect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Connects with the device's key and certificate, and shows what the service says of the device.",
    discussion: "Example: muster-device connect --state /var/lib/muster-device")
  @OptionGroup var state: StateOptions

  func run() async throws {
    let device = try state.device()
    let identity = try await device.identity()
    print("device   \(printable(identity.deviceID)), \(printable(identity.state))")
    if let group = identity.group { print("group    \(printable(group))") }
    print("serial   \(printable(identity.serial)), until \(printable(identity.notAfter))")
    print("key      \(printable(identity.key))")
  }
}

struct Unenroll: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Removes the device's key, certificate and settings; the operator retires the device.",
    discussion: """
      Example: muster-device unenroll --state /var/lib/muster-device
      A key file elsewhere (--key) stays; a key in a token is destroyed there. The service is told nothing, and still knows the device:
      the operator ends it by muster device retire ID. Whoever has a device for a minute could end it for good else.
      """)
  @OptionGroup var state: StateOptions

  func run() async throws {
    let folder = try StateFolder.existing(at: state.state)
    // What is damaged is removed too.
    let device = (try? DeviceCertificate.read(folder))?.deviceID
    try await folder.locked {
      destroyTokenKey(folder)
      try folder.remove()
    }
    print("removed what was in \(state.state); the operator ends the device: muster device retire \(device ?? "ID")")
  }

  /// A token that is away, or broken, holds nobody up.
  private func destroyTokenKey(_ folder: StateFolder) {
    do {
      if let token = try Settings.read(folder)?.token(folder) { try TokenKey.destroy(folder, token) }
    } catch {
      standardError("muster-device: \(error)\n  the key stays in the token")
    }
  }
}
