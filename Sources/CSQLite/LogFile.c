#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "CSQLite.h"

// Below 128 KiB: the system's VFS of SQLite writes no more at a time.
enum { room = 64 * 1024 };

/// A write-ahead log: the system's file, and what is not handed down to it yet.
typedef struct {
  sqlite3_file base;
  sqlite3_file *file;
  unsigned char *held;
  int count;
  sqlite3_int64 start;
  /// From where on what was held could not be handed down; -1 where nothing was lost.
  sqlite3_int64 lost;
} log_file;

static sqlite3_vfs *system_vfs;

static sqlite3_file *file(sqlite3_file *self) { return ((log_file *)self)->file; }

static int hand_down(sqlite3_file *self) {
  log_file *log = (log_file *)self;
  int count = log->count;
  if (count == 0) return SQLITE_OK;
  // Once: were it handed down later, a commit that was told to have failed would be on disk after a crash.
  log->count = 0;
  int code = log->file->pMethods->xWrite(log->file, log->held, count, log->start);
  if (code != SQLITE_OK && (log->lost < 0 || log->start < log->lost)) log->lost = log->start;
  return code;
}

static int log_write(sqlite3_file *self, const void *bytes, int count, sqlite3_int64 start) {
  log_file *log = (log_file *)self;
  // A transaction that was taken back is written anew from before the gap; one that goes on behind it would have a hole.
  if (log->lost >= 0 && start > log->lost) return SQLITE_IOERR_WRITE;
  log->lost = -1;
  if (log->count > 0 && (start != log->start + log->count || count > room - log->count)) {
    int code = hand_down(self);
    if (code != SQLITE_OK) return code;
  }
  if (log->held == NULL) log->held = malloc(room);
  if (log->held == NULL || count > room) return log->file->pMethods->xWrite(log->file, bytes, count, start);
  if (log->count == 0) log->start = start;
  memcpy(log->held + log->count, bytes, (size_t)count);
  log->count += count;
  return SQLITE_OK;
}

static int log_close(sqlite3_file *self) {
  int code = hand_down(self);
  int closed = file(self)->pMethods->xClose(file(self));
  free(((log_file *)self)->held);
  return code == SQLITE_OK ? closed : code;
}

static int log_read(sqlite3_file *self, void *bytes, int count, sqlite3_int64 start) {
  int code = hand_down(self);
  return code == SQLITE_OK ? file(self)->pMethods->xRead(file(self), bytes, count, start) : code;
}

static int log_truncate(sqlite3_file *self, sqlite3_int64 size) {
  int code = hand_down(self);
  return code == SQLITE_OK ? file(self)->pMethods->xTruncate(file(self), size) : code;
}

static int log_sync(sqlite3_file *self, int flags) {
  int code = hand_down(self);
  if (code == SQLITE_OK && ((log_file *)self)->lost >= 0) code = SQLITE_IOERR_FSYNC;
  return code == SQLITE_OK ? file(self)->pMethods->xSync(file(self), flags) : code;
}

static int log_size(sqlite3_file *self, sqlite3_int64 *size) {
  int code = hand_down(self);
  return code == SQLITE_OK ? file(self)->pMethods->xFileSize(file(self), size) : code;
}

static int log_control(sqlite3_file *self, int operation, void *argument) {
  int code = hand_down(self);
  return code == SQLITE_OK ? file(self)->pMethods->xFileControl(file(self), operation, argument) : code;
}

static int log_lock(sqlite3_file *self, int level) { return file(self)->pMethods->xLock(file(self), level); }

static int log_unlock(sqlite3_file *self, int level) { return file(self)->pMethods->xUnlock(file(self), level); }

static int log_reserved(sqlite3_file *self, int *is_reserved) {
  return file(self)->pMethods->xCheckReservedLock(file(self), is_reserved);
}

static int log_sector(sqlite3_file *self) { return file(self)->pMethods->xSectorSize(file(self)); }

static int log_characteristics(sqlite3_file *self) {
  return file(self)->pMethods->xDeviceCharacteristics(file(self));
}

// Version 1: shared memory and mapped pages are the database's, not its log's.
static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_reserved,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_characteristics,
};

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *opened, int flags, int *granted) {
  (void)self;
  if (!(flags & SQLITE_OPEN_WAL)) return system_vfs->xOpen(system_vfs, name, opened, flags, granted);
  log_file *log = (log_file *)opened;
  memset(log, 0, sizeof *log);
  log->lost = -1;
  log->file = (sqlite3_file *)(log + 1);
  int code = system_vfs->xOpen(system_vfs, name, log->file, flags, granted);
  // Where the file has no methods, SQLite does not close it.
  if (log->file->pMethods != NULL) log->base.pMethods = &log_methods;
  return code;
}

int sqlite_gather_log_writes(void) {
  static sqlite3_vfs vfs;
  system_vfs = sqlite3_vfs_find(NULL);
  if (system_vfs == NULL) return SQLITE_ERROR;
  vfs = *system_vfs;
  vfs.pNext = NULL;
  vfs.zName = "gathered-log";
  vfs.szOsFile = (int)sizeof(log_file) + system_vfs->szOsFile;
  vfs.xOpen = open_file;
  return sqlite3_vfs_register(&vfs, 1);
}

// In C, for sqlite3_db_config is variadic.
int sqlite_keep_log(struct sqlite3 *database) {
  return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

int sqlite_sync_database(struct sqlite3 *database) {
  sqlite3_file *file = NULL;
  int code = sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code != SQLITE_OK || file == NULL || file->pMethods == NULL) return SQLITE_IOERR_FSYNC;
  return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}
