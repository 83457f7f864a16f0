// What SQLite is told by calls that Swift cannot make.
#pragma once

/// How SQLite takes memory (https://www.sqlite.org/c3ref/c_config_covering_index_scan.html): without statistics, whose lock
/// every allocation takes (SQLITE_CONFIG_MEMSTATUS), and with room for what a connection's cached statements use at each
/// run (SQLITE_CONFIG_LOOKASIDE): five times what is the default, which dozens of them exhaust. Before SQLite is used;
/// SQLITE_MISUSE where it was, and nothing is changed.
int sqlite_configure_memory(void);

/// Makes the VFS that gathers what is written to a write-ahead log the default one (https://www.sqlite.org/vfs.html).
///
/// SQLite writes each page of a commit to the log by two calls, its header and its content: a hundred calls for one
/// commit, each of which costs more than its bytes. Here what continues what was written before is held, up to 64 KiB, and
/// handed down before anything else is done with the file. A sync hands it down first, so that what SQLite holds for
/// durable is as durable as without; what a crash finds held was not synced, and is what a crash may take.
int sqlite_gather_log_writes(void);

struct sqlite3;

/// Has a connection leave the write-ahead log as it is when it is closed as the last one
/// (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE).
int sqlite_keep_log(struct sqlite3 *database);

/// Has the disk hold what was written to a connection's database file (SQLITE_FCNTL_FILE_POINTER, xSync).
int sqlite_sync_database(struct sqlite3 *database);
