import ArgumentParser
import Enrollment
import KeyVault
import MusterModel

/// What opens a vault that does not open by itself.
struct VaultOpener: ParsableArguments {
  @Option(
    help: "Where the vault does not open by itself: the file with its passphrase, or - for standard input.",
    completion: .file())
  var unsealFile: String?
  @Flag(help: "What is in --unseal-file is the recovery code.") var recoveryCode = false
  @Option(
    help: "Instead of --unseal-file, once for each: the file with a share. Enough of one slot open it.",
    completion: .file())
  var shareFile: [String] = []

  func validate() throws {
    guard unsealFile == nil || shareFile.isEmpty else {
      throw ValidationError("expected --unseal-file or --share-file, found both")
    }
  }

  func open(_ opened: OpenInstance, sparing slot: UInt32? = nil) async throws {
    guard opened.instance.vault.isSealed else { return }
    _ = try await opened.vault.unseal(opener(opened), sparing: slot, by: .folder()).orFail()
  }

  private func opener(_ opened: OpenInstance) throws -> VaultAdministration.Opener {
    guard shareFile.isEmpty else { return .shares(try shareFile.map { try VaultShare.read(file: $0) }) }
    guard let unsealFile else {
      let why = opened.unsealing.failures.map { " (\($0))" }.joined()
      throw CommandFailure("expected --unseal-file or --share-file: no other slot of the vault opens by itself\(why)")
    }
    let secret = try SecretInput.read(file: unsealFile, what: recoveryCode ? "recovery code" : "passphrase")
    return recoveryCode ? .recoveryCode(secret) : .passphrase(secret)
  }
}

extension VaultShare {
  static func read(file: String) throws -> VaultShare {
    switch parse(try SecretInput.read(file: file, what: "share")) {
    case .success(let share): return share
    case .failure(let refusal): throw CommandFailure("\(file): \(refusal)")
    }
  }
}

/// Into how many shares a new slot's secret is split, and where they go.
struct ShareOptions: ParsableArguments {
  @Option(help: "Of --protector shares: how many there are, 2 to 16.") var shares: Int?
  @Option(help: "How many of them suffice, at least 2.") var threshold: Int?
  @Option(help: "A new folder for them, a file for each, mode 0600.", completion: .directory) var out: String?
  @Option(
    help: "Once for each share: the certificate (PEM) of the officer whom it is encrypted to.", completion: .file())
  var officer: [String] = []

  func validate(for protector: SlotKind) throws {
    let isAsked = shares != nil || threshold != nil || out != nil || !officer.isEmpty
    guard isAsked == (protector == .shares) else {
      throw ValidationError("expected --shares, --threshold and --out with --protector shares, and with it alone")
    }
  }

  /// nil where none are asked for.
  func files() throws -> ShareFiles? {
    guard let shares, let threshold, let out else {
      guard shares == nil, threshold == nil, out == nil else {
        throw ValidationError("expected --shares, --threshold and --out together")
      }
      return nil
    }
    return try ShareFiles(folder: out, try Quorum(threshold, of: shares), officers: officer)
  }
}
