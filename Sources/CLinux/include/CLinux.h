// What Swift cannot call by itself: prctl is variadic, syncfs and MCL_ONFAULT are GNU's.
// No header of the system is included here: with _GNU_SOURCE they define other types than Swift's module of the C library.
#pragma once

/// Everything written to the file system of an open file is on disk when this returns. 0, or -1 with errno.
int sync_file_system(int descriptor);

/// No core dump of this process, and no tracing by others of the same user. 0, or -1 with errno.
int set_undumpable(void);

/// Whether the process may lock as much memory as it has.
int may_lock_without_limit(void);

/// All threads take memory from one heap: it costs a lock, and what one gives back another takes. Before there are threads.
void use_one_heap(void);

/// A thread's heap grows by a quarter megabyte at a time and gives back what is more than one: work that comes in groups
/// takes and frees the same memory for each, and every time a heap's end moves the system is called and pages fault anew.
void keep_heaps(void);

/// Keeps out of swap what the process has in memory and what it will have, once it is touched. 0, or -1 with errno.
int lock_memory(void);
