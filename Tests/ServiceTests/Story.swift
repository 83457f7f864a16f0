import Foundation
import MusterTesting
import Testing

/// One command of a story, and what it must come to.
struct Step: Sendable {
  /// As it is typed after `muster`; `'…'` holds spaces, `{name}` is a value of the story's.
  let line: String
  let status: Int32
  /// On standard output where something was done, on standard error where it was refused.
  let says: [String]
  let never: [String]
  let location: SourceLocation

  init(
    _ line: String, _ says: String..., status: Int32 = 0, never: [String] = [],
    _ location: SourceLocation = #_sourceLocation
  ) {
    self.line = line
    self.says = says
    self.status = status
    self.never = never
    self.location = location
  }
}

extension ServedInstance {
  /// Runs the steps one after another; what the last one printed.
  @discardableResult
  func tell(
    _ steps: [Step], as identity: String? = nil, input: String = "", _ values: [String: String] = [:]
  ) async throws -> String {
    var last = ""
    for step in steps {
      func filled(_ text: String) -> String { values.reduce(text) { $0.replacing("{\($1.key)}", with: $1.value) } }
      let ran = try await Program.muster(
        arguments(of: filled(step.line)), input: input,
        environment: ["MUSTER_SERVER": service.server, "MUSTER_IDENTITY": identity ?? administrator])
      expect(ran, step, filled)
      last = ran.output
    }
    return last.trimmingCharacters(in: .newlines)
  }

  private func expect(_ ran: Ran, _ step: Step, _ filled: (String) -> String) {
    let what: Comment = "muster \(step.line): \(ran.status)\n\(ran.output)\n\(ran.errors)"
    #expect(ran.status == step.status, what, sourceLocation: step.location)
    let isDone = step.status == 0
    let said = isDone ? ran.output : ran.errors
    #expect(isDone ? ran.errors.isEmpty : step.status == 3 || ran.output.isEmpty, what, sourceLocation: step.location)
    for text in step.says {
      #expect(said.contains(filled(text)), "\(filled(text)) in \(what)", sourceLocation: step.location)
    }
    for text in step.never {
      #expect(!(ran.output + ran.errors).contains(filled(text)), what, sourceLocation: step.location)
    }
  }

  private func arguments(of line: String) -> [String] {
    line.split(separator: "'", omittingEmptySubsequences: false).enumerated().flatMap { index, part in
      index.isMultiple(of: 2) ? part.split(separator: " ").map(String.init) : [String(part)]
    }
  }
}
