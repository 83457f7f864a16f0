import Foundation

/// What keeps secrets in memory there: no core dump, and no other process of the user's looks in.
enum ProcessHardening {
  static func apply() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(UInt32(RLIMIT_CORE.rawValue)), &none)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
  }
}
