import CLinux
import Foundation

/// What keeps secrets in memory there: no core dump, and no other process of the user's looks in.
enum ProcessHardening {
  static func apply() throws {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(UInt32(RLIMIT_CORE.rawValue)), &none)
    guard set_undumpable() == 0 else {
      throw CommandFailure("expected to forbid core dumps, found: \(String(cString: strerror(errno)))")
    }
  }
}
