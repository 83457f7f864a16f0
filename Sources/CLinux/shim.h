// What Swift cannot call by itself: prctl is variadic, syncfs is GNU's.
#include <sys/prctl.h>

extern int syncfs(int descriptor);

/// Everything written to the file system of an open file is on disk when this returns. 0, or -1 with errno.
static inline int sync_file_system(int descriptor) { return syncfs(descriptor); }

/// No core dump of this process, and no tracing by others of the same user. 0, or -1 with errno.
static inline int set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
