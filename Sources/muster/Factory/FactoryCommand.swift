import ArgumentParser

struct FactoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "factory", abstract: "The factory line: orders, and boards made devices by the thousand.",
    subcommands: [OrderCommand.self, ProvisionCommand.self, AllowCommand.self, StatusCommand.self, ConfirmCommand.self])
}
