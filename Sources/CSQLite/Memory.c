#include "CSQLite.h"

#include <sqlite3.h>

// In C, for sqlite3_config is variadic.
int sqlite_configure_memory(void) {
  int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  return code == SQLITE_OK ? sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 1200, 200) : code;
}
