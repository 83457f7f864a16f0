import MusterModel

/// A hub's whole fleet, one part in memory at a time; each is on record before it is given.
public actor FleetReading {
  typealias Part = (DeviceReading, [HubDevice])

  private let read: @Sendable (_ cursor: Int64) async throws -> Result<Part, HubRefusal>
  /// Read and not given yet.
  private var ready: Part?
  private var cursor: Int64?
  private var devices = 0

  init(_ read: @escaping @Sendable (_ cursor: Int64) async throws -> Result<Part, HubRefusal>) { self.read = read }

  /// Reads the first part, so that what is refused is told before anything is sent.
  func begin() async throws -> HubRefusal? {
    switch try await read(-1) {
    case .failure(let refusal): return refusal
    case .success(let part):
      ready = part
      return nil
    }
  }

  /// What goes out, piece by piece.
  public enum Piece: Sendable {
    /// The first part, with the place that the feed goes on from.
    case first(SnapshotHead, [HubDevice])
    case more([HubDevice])
    /// The end: so many devices there were. Without it something is missing.
    case end(devices: Int)
  }

  /// nil behind the end. Throws `HubRefusal` where the hub may not read on.
  public func next() async throws -> Piece? {
    if let (reading, shown) = ready {
      ready = nil
      cursor = reading.next ?? FleetReading.last
      devices = shown.count
      return .first(SnapshotHead(reading, next: nil), shown)
    }
    guard let cursor else { return nil }
    guard cursor != FleetReading.last else {
      self.cursor = nil
      return .end(devices: devices)
    }
    let (reading, shown) = try await read(cursor).get()
    self.cursor = reading.next ?? FleetReading.last
    devices += shown.count
    return .more(shown)
  }

  /// Behind every place.
  private static let last = Int64.max
}
