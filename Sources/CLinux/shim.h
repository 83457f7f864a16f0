// What Swift cannot call by itself: prctl is variadic, syncfs and MCL_ONFAULT are GNU's.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

extern int syncfs(int descriptor);

/// Everything written to the file system of an open file is on disk when this returns. 0, or -1 with errno.
static inline int sync_file_system(int descriptor) { return syncfs(descriptor); }

/// No core dump of this process, and no tracing by others of the same user. 0, or -1 with errno.
static inline int set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/// Whether the process may lock as much memory as it has.
static inline int may_lock_without_limit(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

/// Keeps out of swap what the process has in memory and what it will have, once it is touched. 0, or -1 with errno.
static inline int lock_memory(void) { return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT); }
