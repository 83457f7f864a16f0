import ArgumentParser
import Foundation

/// The agent on a device: it gets the device its certificate and keeps it. It opens no port, and calls nobody but the
/// service that it was given.
struct MusterDevice: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "muster-device", abstract: "Gets a device its certificate from a Muster service, and renews it.",
    subcommands: [Enroll.self, Status.self, Renew.self, Connect.self, Token.self, Unenroll.self])
}

@main
enum Main {
  /// Exit status: 0 done, 1 refused or failed, 2 misuse.
  static func main() async {
    do {
      var command = try MusterDevice.parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      end(with: error)
    }
  }

  private static func end(with error: any Error) -> Never {
    if let failure = error as? DeviceFailure {
      standardError("muster-device: \(failure)")
      exit(failure.status)
    }
    switch MusterDevice.exitCode(for: error).rawValue {
    case 0:
      print(MusterDevice.fullMessage(for: error))
      exit(0)
    case ExitCode.validationFailure.rawValue:
      standardError(MusterDevice.fullMessage(for: error))
      exit(2)
    default:
      standardError("muster-device: \(error)")
      exit(1)
    }
  }
}

/// What was not done, and what to do next, in words for who stands at the device.
struct DeviceFailure: Error, CustomStringConvertible {
  let description: String
  var status: Int32 = 1
  /// The stable code of the service's refusal; nil for any other failure.
  var code: String?
  /// When the service wants to be asked again, in seconds.
  var retryAfter: Int?
  /// Whether the same again may do: the service is away, or busy.
  var isPassing = false

  init(
    _ description: String, status: Int32 = 1, code: String? = nil, retryAfter: Int? = nil, isPassing: Bool = false
  ) {
    self.description = description
    self.status = status
    self.code = code
    self.retryAfter = retryAfter
    self.isPassing = isPassing
  }
}

func standardError(_ line: String) {
  try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
}
