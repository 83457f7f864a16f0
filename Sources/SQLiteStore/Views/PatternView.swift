import DeviceRegistry
import MusterModel

/// Patterns on the allowlist and the blocklist: every listing, of which the last of each pattern counts.
enum PatternView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(HardwarePatternListed.self) { (event, db) throws(StoreError) in
      try db.run(
        "INSERT INTO hardware_pattern(position, pattern, listing, device_group, listed_at) VALUES (?, ?, ?, ?, ?)",
        event.origin.position, event.details?.pattern.description, event.body.listing.rawValue, event.body.group,
        event.origin.at)
    }
    projections.onErasure(of: HardwarePatternListed.self) { (event, db) throws(StoreError) in
      try db.run("UPDATE hardware_pattern SET pattern = NULL WHERE position = ?", event.origin.position)
    }
  }
}
