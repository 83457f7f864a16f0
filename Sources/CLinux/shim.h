// What Swift cannot call by itself: prctl is variadic.
#include <sys/prctl.h>

/// No core dump of this process, and no tracing by others of the same user. 0, or -1 with errno.
static inline int set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
