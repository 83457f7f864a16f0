/// Where an instance's folder holds what. It is only names: nothing is opened by it.
public struct DataFolder: Hashable, Sendable {
  public let path: String

  public init(_ path: String) { self.path = path }

  public var database: String { path + "/muster.db" }
  public var lock: String { path + "/lock" }
  /// The note of the last checkpoint, outside the database.
  public var checkpoint: String { path + "/checkpoint" }
}
