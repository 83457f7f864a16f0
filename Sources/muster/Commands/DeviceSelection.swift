import ArgumentParser

/// Which devices a command is about: those that have all that is named.
struct DeviceSelection: ParsableArguments {
  @Option(help: "Only the devices of this group.") var group: String?
  @Option(help: "Only those that talk to this hub.") var hub: String?
  @Option(help: "Only those that were given their hardware in this run of a station, bat_….") var batch: String?

  var query: [(String, String?)] { [("group", group), ("hub", hub), ("batch", batch)] }

  /// Whether none is named, which is all devices.
  var isAll: Bool { query.allSatisfy { $0.1 == nil } }
}
