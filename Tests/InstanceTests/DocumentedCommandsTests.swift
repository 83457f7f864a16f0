import ArgumentParser
import Foundation
import MusterTesting
import Testing

@testable import muster

/// Who reads the pages finds each command on one of them.
@Suite struct DocumentedCommandsTests {
  /// The commands that do something, each by its words.
  private static func leaves(of command: any ParsableCommand.Type, _ words: [String]) -> [[String]] {
    let configuration = command.configuration
    guard configuration.shouldDisplay else { return [] }
    let words = words + [configuration.commandName ?? "\(command)".lowercased()]
    // One that names a default does something itself; the other ways are its help's to tell.
    guard !configuration.subcommands.isEmpty, configuration.defaultSubcommand == nil else { return [words] }
    return configuration.subcommands.flatMap { leaves(of: $0, words) }
  }

  @Test func `each command is on a page`() throws {
    let docs = Project.root.appending(path: "Docs")
    let pages =
      try FileManager.default.contentsOfDirectory(at: docs, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "md" } + [Project.root.appending(path: "README.md")]
    // A line's end is a blank to who reads on.
    let text = try pages.map { try String(contentsOf: $0, encoding: .utf8) }.joined(separator: "\n")
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let commands = DocumentedCommandsTests.leaves(of: Muster.self, [])
    #expect(commands.count > 55 && commands.contains(["muster", "vault", "slot", "add"]), "\(commands)")
    for command in commands {
      let name = command.joined(separator: " ")
      // Not the beginning of a longer name.
      let isThere = text.ranges(of: name).contains { range in
        text[range.upperBound...].first.map { !$0.isLetter && $0 != "-" } ?? true
      }
      #expect(isThere, "\(name) is on no page of Docs/ and not in README.md")
    }
  }
}
