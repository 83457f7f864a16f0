#define _GNU_SOURCE
#include "CLinux.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int sync_file_system(int descriptor) { return syncfs(descriptor); }

int set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

int may_lock_without_limit(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

void use_one_heap(void) { mallopt(M_ARENA_MAX, 1); }

void keep_heaps(void) {
  // Each of these also ends what the library would fit by itself.
  mallopt(M_MMAP_THRESHOLD, 512 * 1024);
  mallopt(M_TOP_PAD, 256 * 1024);
  mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

int lock_memory(void) { return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT); }
