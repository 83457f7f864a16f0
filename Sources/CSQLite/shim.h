// What Swift cannot call by itself: sqlite3_config is variadic.
#include <sqlite3.h>

/// How SQLite takes memory (https://www.sqlite.org/c3ref/c_config_covering_index_scan.html): without statistics, whose lock
/// every allocation takes (SQLITE_CONFIG_MEMSTATUS), and with room for what a connection's cached statements use at each
/// run (SQLITE_CONFIG_LOOKASIDE): five times what is the default, which dozens of them exhaust. Before SQLite is used;
/// SQLITE_MISUSE where it was, and nothing is changed.
static inline int sqlite_configure_memory(void) {
  int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  return code == SQLITE_OK ? sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 1200, 200) : code;
}
