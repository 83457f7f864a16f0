// What Swift cannot call by itself: sqlite3_config is variadic.
#include <sqlite3.h>

/// No statistics of memory, whose lock every allocation takes (https://www.sqlite.org/c3ref/c_config_covering_index_scan.html,
/// SQLITE_CONFIG_MEMSTATUS). Before SQLite is used; SQLITE_MISUSE where it was, and nothing is changed.
static inline int sqlite_without_memory_statistics(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
