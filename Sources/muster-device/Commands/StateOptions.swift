import ArgumentParser

/// Where the agent keeps what it has.
struct StateOptions: ParsableArguments {
  @Option(help: "The folder of the device's key, certificate and settings, mode 0700.", completion: .directory)
  var state: String

  func device() throws -> Device { try Device.read(try StateFolder.existing(at: state)) }
}
