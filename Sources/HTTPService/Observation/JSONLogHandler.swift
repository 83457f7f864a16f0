import Foundation
public import Logging
import MusterModel

/// Writes log lines as JSON, one object a line, to standard error: `{"at":…,"level":…,"message":…, metadata…}`.
public struct JSONLogHandler: LogHandler {
  public var logLevel: Logger.Level = .info
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?

  private let clock: any WallClock
  private let write: @Sendable (Data) -> Void

  public init() {
    self.init(clock: SystemClock()) { try? FileHandle.standardError.write(contentsOf: $0) }
  }

  init(clock: any WallClock, write: @escaping @Sendable (Data) -> Void) {
    self.clock = clock
    self.write = write
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var fields = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }
      .merging(event.metadata ?? [:]) { $1 }
      .mapValues { "\($0)" }
    fields["at"] = clock.now().description
    fields["level"] = event.level.rawValue
    fields["message"] = "\(event.message)"
    if let error = event.error { fields["error"] = "\(error)" }
    write(Data(JSONWriter.line(of: fields)))
  }
}
