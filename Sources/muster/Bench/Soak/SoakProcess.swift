import Foundation

/// A client as a process of its own, so that it can be killed.
final class SoakProcess: Sendable {
  private let process = Process()
  private let met = SoakTally()

  init(_ orders: SoakOrders) throws {
    process.executableURL = BenchServer.ownProgram
    process.arguments = ["bench", "client"]
    let (into, out) = (Pipe(), Pipe())
    process.standardInput = into
    process.standardOutput = out
    try process.run()
    try into.fileHandleForWriting.write(contentsOf: try JSONEncoder().encode(orders) + Data("\n".utf8))
    let reader = Thread { [self] in read(out.fileHandleForReading) }
    reader.start()
  }

  /// What came since the last time.
  func news() -> SoakNews { met.take() }

  func kill() {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Until the process ends. What a kill cut off is no line.
  private func read(_ handle: FileHandle) {
    var line = Data()
    while true {
      // What is there: reading a count would wait for all of it.
      let piece = handle.availableData
      guard !piece.isEmpty else { return }
      line += piece
      while let end = line.firstIndex(of: UInt8(ascii: "\n")) {
        if let news = try? JSONDecoder().decode(SoakNews.self, from: line[..<end]) { met.add(news) }
        line = Data(line[line.index(after: end)...])
      }
    }
  }
}
