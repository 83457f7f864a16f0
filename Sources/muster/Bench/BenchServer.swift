import Foundation

/// The service as a process of its own, so that its CPU and memory can be told from the load's.
final class BenchServer: Sendable {
  let folder: InstanceFolder
  let address: String
  /// From its start to the line that says that it serves.
  let coldStart: Duration
  private let process: Process

  private init(folder: InstanceFolder, address: String, coldStart: Duration, process: Process) {
    self.folder = folder
    self.address = address
    self.coldStart = coldStart
    self.process = process
  }

  static func start(_ folder: InstanceFolder) throws -> BenchServer {
    let process = Process()
    process.executableURL = ownProgram
    process.arguments = ["serve", "--data", folder.path, "--listen", "127.0.0.1:0", "--log-level", "warning"]
    let out = Pipe()
    process.standardOutput = out
    let clock = ContinuousClock()
    let began = clock.now
    try process.run()
    let line = readLine(out.fileHandleForReading)
    guard let address = line.split(separator: " ").last.map(String.init), address.hasPrefix("https://") else {
      process.terminate()
      throw CommandFailure("expected the service to say where it serves, found: \(line)")
    }
    return BenchServer(folder: folder, address: address, coldStart: clock.now - began, process: process)
  }

  static let ownProgram = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()

  /// Blocks until a line has come; without its end.
  static func readLine(_ handle: FileHandle) -> String {
    var line = Data()
    while let byte = try? handle.read(upToCount: 1), let byte = byte.first, byte != UInt8(ascii: "\n") {
      line.append(byte)
    }
    return String(decoding: line, as: UTF8.self)
  }

  /// User and system time so far, in microseconds (proc(5), fields 14 and 15 of stat).
  var cpuMicroseconds: Double {
    guard let text = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return 0 }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
    return (user + system) * 1e6 / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// Resident memory, in megabytes.
  var megabytes: Double {
    guard let text = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/statm", encoding: .utf8),
      let pages = text.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
    else { return 0 }
    return pages * Double(sysconf(Int32(_SC_PAGESIZE))) / 1e6
  }

  /// How many files, sockets among them, it has open.
  var handles: Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processIdentifier)/fd").count) ?? 0
  }

  var isRunning: Bool { process.isRunning }

  func stop() {
    process.terminate()
    process.waitUntilExit()
  }
}
