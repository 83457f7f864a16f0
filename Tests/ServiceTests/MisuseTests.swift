import Foundation
import Testing

extension ServiceTests {
  /// Exit status 2 is misuse: told on standard error alone, before anything is asked of anyone.
  @Suite struct MisuseTests {
    @Test(arguments: [
      ["device", "lst"], ["device", "show"], ["--nonsense"], ["init"], ["serve"],
      ["serve", "--data", "/nowhere", "--listen", "x"],
      ["serve", "--data", "/nowhere", "--log-level", "loud"], ["ticket", "issue", "--device", "a"],
      ["ticket", "issue", "--hardware", "mac:aabbcc001122", "--device", "a", "--valid", "soon"],
      ["device", "list", "--output", "xml"], ["device", "list"], ["device", "list", "--server", "http://127.0.0.1:1"],
      ["init", "--data", "/nowhere", "--trust-domain", "localhost"],
      ["init", "--data", "/nowhere", "--protector", "tape"],
      ["ledger", "verify"], ["ledger", "verify", "a", "--data", "b"], ["ledger", "verify", "/dev/null"],
      ["ledger", "replay", "--data", "/nowhere"], ["ledger", "prove", "one", "--data", "/nowhere"],
      ["operator", "add", "anna", "--role", "king", "--out", "/nowhere/a", "--data", "/nowhere"],
    ])
    func `a misuse ends with 2 and says how it is used`(arguments: [String]) async throws {
      let ran = try await Program.muster(arguments, environment: ["MUSTER_SERVER": "", "MUSTER_IDENTITY": ""])
      #expect(ran.status == 2, "\(arguments): \(ran.status) \(ran.errors)")
      #expect(ran.output.isEmpty && !ran.errors.isEmpty)
    }

    @Test(arguments: [
      ["ledger", "verify", "--data", "/nowhere"], ["serve", "--data", "/nowhere"],
      ["policy", "check", "--data", "/nowhere"],
      ["device", "list", "--identity", "/nowhere"], ["ca", "crl", "--data", "/nowhere"],
      ["operator", "add", "anna", "--role", "auditor", "--out", "/nowhere/a", "--data", "/nowhere"],
    ])
    func `what cannot be done ends with 1, in one line`(arguments: [String]) async throws {
      let ran = try await Program.muster(arguments)
      #expect(ran.status == 1, "\(arguments): \(ran.status) \(ran.errors)")
      #expect(ran.output.isEmpty && ran.errors.split(separator: "\n").count == 1, "\(ran.errors)")
    }

    @Test(arguments: [
      ["--help"], ["--version"], ["device", "--help"], ["help", "ticket"], ["policy", "check"], ["ca", "check"],
    ])
    func `what was asked for is printed, with 0`(arguments: [String]) async throws {
      let ran = try await Program.muster(arguments)
      #expect(ran.status == 0 && !ran.output.isEmpty && ran.errors.isEmpty, "\(ran.errors)")
    }

    @Test func `help fits a terminal of 80 columns, with an example`() async throws {
      for command in [["device", "show"], ["ticket", "issue"], ["serve"], ["ca", "crl"], ["operator", "add"]] {
        let help = try await Program.muster(command + ["--help"], environment: ["COLUMNS": "80"]).succeeded()
        #expect(help.contains("Example: muster " + command.joined(separator: " ")))
      }
    }

    @Test func `a service that is not there is said to be so`() async throws {
      let folder = try ScratchFolder()
      defer { folder.remove() }
      try await ServedInstance.found(in: folder)
      let ran = try await Program.muster(
        ["device", "list", "--server", "https://127.0.0.1:1", "--identity", folder.file("data/operators/admin.pem")])
      #expect(ran.status == 1 && ran.errors.contains("is the service running there?"), "\(ran.errors)")
    }
  }
}
