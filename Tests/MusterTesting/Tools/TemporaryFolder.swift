package import Foundation
import Synchronization

/// A folder of one test, gone with it.
package final class TemporaryFolder: Sendable {
  package let url: URL

  package init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "muster-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  package func path(_ name: String) -> String { url.appending(path: name).path }
  package func write(_ bytes: some Sequence<UInt8>, _ name: String) throws {
    try Data(bytes).write(to: url.appending(path: name))
  }
  package func read(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: url.appending(path: name))) }
}

/// Folders that many tests share, such as a template that each copies: gone when the process ends by itself.
package enum SharedFolders {
  private static let paths = Mutex<[String]?>(nil)

  package static func removeAtExit(_ path: String) {
    let isFirst = paths.withLock { paths in
      defer { paths = (paths ?? []) + [path] }
      return paths == nil
    }
    guard isFirst else { return }
    atexit { SharedFolders.remove() }
  }

  private static func remove() {
    for path in paths.withLock({ $0 ?? [] }) { try? FileManager.default.removeItem(atPath: path) }
  }
}
