import CLinux
import Foundation

/// What keeps secrets in memory there: no core dump, no other process of the user's looks in, and nothing in swap.
enum ProcessHardening {
  /// For each command that is given a secret, or opens the vault.
  static func apply() throws {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(UInt32(RLIMIT_CORE.rawValue)), &none)
    guard set_undumpable() == 0 else {
      throw CommandFailure("expected to forbid core dumps, found: \(String(cString: strerror(errno)))")
    }
  }

  /// Whether all memory is locked from here on. Not under a limit: what passes it later would fail.
  static func lockMemory() -> Bool { mayLockAll && lock_memory() == 0 }

  private static var mayLockAll: Bool {
    guard may_lock_without_limit() == 0 else { return true }
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    return isCapable(ofLocking: status)
  }

  /// Whether `/proc/self/status` has CAP_IPC_LOCK (capabilities(7)), bit 14 of those in effect: no limit holds for it.
  static func isCapable(ofLocking status: String) -> Bool {
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
    let bits = line.flatMap { UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16) } ?? 0
    return bits >> 14 & 1 == 1
  }
}
