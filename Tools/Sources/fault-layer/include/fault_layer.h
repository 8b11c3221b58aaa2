/// Functions of the C library and of libpmem that fail on demand: a program that is linked with this
/// layer calls it in the place of them, and so do the libraries that it uses.
///
/// Only what concerns files below one directory is looked at, and memory without a file; everything
/// else goes through. One fault at a time is planned; calls are numbered from 1 by function.
#ifndef FAULT_LAYER_H
#define FAULT_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What can fail, by what it does; the variants for large files count as the same.
typedef enum fault_function {
  FAULT_OPEN,
  FAULT_MKDIR,
  FAULT_READ,
  FAULT_WRITE,
  FAULT_TRUNCATE,
  FAULT_ALLOCATE,
  FAULT_PUNCH_HOLE,
  FAULT_SYNC_FILE,
  FAULT_SYNC_DIRECTORY,
  FAULT_RENAME,
  FAULT_LINK,
  FAULT_UNLINK,
  FAULT_LOCK,
  FAULT_STATUS,
  FAULT_FILE_SYSTEM,
  FAULT_MAP,
  FAULT_MAP_MEMORY,
  FAULT_OPEN_LISTING,
  FAULT_LIST,
  FAULT_RANDOM,
  FAULT_THREAD,
  FAULT_PMEM_MAP,
  FAULT_PMEM_PERSIST,
  FAULT_FUNCTION_COUNT
} fault_function;

/// How a call fails.
typedef enum fault_kind {
  FAULT_NONE,
  /// With an error number.
  FAULT_ERROR,
  /// It does half of what it was asked for, and says so.
  FAULT_HALF,
  /// It does nothing, and says 0.
  FAULT_ZERO
} fault_kind;

typedef struct fault_plan {
  fault_function function;
  /// Which call, from 1.
  uint64_t number;
  fault_kind kind;
  int error;
  /// All later calls of the function fail as well.
  bool lasts;
} fault_plan;

/// Names the directory that counts; whole and without links.
void fault_watch(const char *directory);
/// Counts from 0 and fails as planned; NULL fails nothing.
void fault_begin(const fault_plan *plan);
/// Lets everything through, without counting, until `fault_resume`.
void fault_pause(void);
void fault_resume(void);
/// Lets everything through from now on.
void fault_end(void);
/// Calls of a function since `fault_begin`.
uint64_t fault_calls(fault_function function);
/// How many calls failed since `fault_begin`.
uint64_t fault_hits(void);
/// Ways that led to the function since `fault_note_sites(true)`: different chains of callers.
size_t fault_sites(fault_function function);
void fault_note_sites(bool notes);

/// Does to the files what a kernel does behind a failed sync: whatever was written between the last
/// sync of a file that was done and one that failed is as it was before. Returns how many writes.
size_t fault_forget(void);

/// Lets every later mapping of the file `name` come with a page that raises SIGBUS; NULL ends that.
void fault_poison(const char *name, size_t page);
/// Does the same to the mappings that there are; returns how many.
size_t fault_poison_mapped(const char *name, size_t page);
/// How many pages were made so.
uint64_t fault_poisoned(void);

/// Leaves the process room for so much more memory than it has mapped now, and no more; what is small
/// can be had from a heap that was filled before. Lifted by `fault_pause`, until `fault_resume`, and for
/// good by `fault_end_limit`. False where the system refuses.
bool fault_limit_memory(size_t room);
void fault_end_limit(void);

/// Numbers of this process, for leaks: open files, and mappings of files below the directory.
size_t fault_open_files(void);
size_t fault_mapped_files(void);

#endif
