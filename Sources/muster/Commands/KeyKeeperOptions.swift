import ArgumentParser
import PKCS11Commands
import TPMCommands

/// What keeps keys outside of the folder.
struct KeyKeeperOptions: ParsableArguments {
  @Option(
    help:
      "The token, pkcs11:token=LABEL?module-path=FILE&pin-source=file:FILE (RFC 7512). Its PIN is never an argument.")
  var pkcs11: String?
  @Option(help: "The TPM: device:/dev/tpmrm0, tabrmd or swtpm:host=…,port=….") var tpm: String?
  @Option(help: "The file of the TPM's PIN: its slot opens with that PIN alone.", completion: .file())
  var tpmPinFile: String?
  @Option(help: "The TPM's slot opens only while these PCRs (SHA-256) are as now: 7, or 0,2,7. Without a PIN: 7.")
  var tpmPcrs: String?

  func keepers() throws -> KeyKeepers {
    do {
      return KeyKeepers(pkcs11: try pkcs11.map(PKCS11URI.init), tpm: try setting(), policy: try policy())
    } catch let malformed as PKCS11URI.Malformed {
      throw CommandFailure("--pkcs11: \(malformed)", status: 2)
    }
  }

  private func setting() throws -> TPMSetting? {
    guard let tpm else { return nil }
    guard let setting = TPMSetting(place: tpm, pinFile: tpmPinFile) else {
      throw CommandFailure(
        "expected --tpm device:/dev/tpmrm0, tabrmd or swtpm:… and --tpm-pin-file as an absolute path, found another",
        status: 2)
    }
    return setting
  }

  /// By default what the firmware checks before it starts anything: the state of Secure Boot.
  private func policy() throws -> TPMSealPolicy? {
    let words = (tpmPcrs ?? (tpmPinFile == nil ? "7" : "")).split(separator: ",")
    let pcrs = words.compactMap { Int($0) }
    guard pcrs.count == words.count, let policy = TPMSealPolicy(pcrs: Set(pcrs), asksPIN: tpmPinFile != nil) else {
      throw CommandFailure(
        "expected --tpm-pcrs with numbers of 0 to 23, as in 0,2,7, found \(tpmPcrs ?? "")", status: 2)
    }
    return policy
  }
}
