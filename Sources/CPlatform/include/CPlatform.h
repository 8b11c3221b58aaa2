/// What Linux offers and Swift's C library module does not show, and the guard that turns a memory
/// error inside a registered mapping into something a reader can ask about.
#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// `flock(LOCK_EX | LOCK_NB)`: 0, or -1 and errno.
int cp_lock_exclusively(int descriptor);
/// `flock(LOCK_UN)`: 0, or -1 and errno.
int cp_unlock(int descriptor);
/// `fstatfs`: the file system's magic number, or -1 and errno.
long cp_file_system_type(int descriptor);
/// `fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)`: 0, or -1 and errno.
int cp_punch_hole(int descriptor, int64_t offset, int64_t length);
/// `openat(O_TMPFILE | O_RDWR)`: a file without a name in `directory`, or -1 and errno.
int cp_open_unnamed(int directory);
/// `renameat2(RENAME_NOREPLACE)` within `directory`, or `linkat` and `unlinkat` where the file system
/// lacks it: 0, or -1 and errno; EEXIST where `to` exists.
int cp_rename_exclusively(int directory, const char *from, const char *to);
/// Whether the file can be mapped with MAP_SYNC: stores that are flushed and fenced then survive a
/// power failure, with no call to the kernel.
bool cp_supports_map_sync(int descriptor, bool writable);
/// Whether `getrandom` filled `count` bytes.
bool cp_random(void *bytes, size_t count);
/// Whether `length` more bytes of memory can be had now; takes none. A limit of the process or of the
/// system says no, which an allocation of Swift's would answer by ending the process.
bool cp_has_memory(size_t length);
/// Bytes that are left for what is allocated in small pieces, which nobody asks for.
#define CP_MEMORY_MARGIN (2 << 20)
/// Whether they can still be had: asked behind a mapping, which is given back where they can't.
static inline bool cp_leaves_memory(void) { return cp_has_memory(CP_MEMORY_MARGIN); }
/// Gives back to the system what the C library keeps of memory that was freed. Half a millisecond where
/// some megabytes are free.
void cp_give_back_free_memory(void);
/// Has all threads allocate from one heap where the process's address space is limited; for programs,
/// before their first thread. A thread's own heap reserves 64 MiB, and where these can't be had the C
/// library gives each of its allocations pages of its own, by four calls of the kernel.
void cp_share_heap_in_limited_space(void);

// The guard. Process-wide; ranges are few (one per mapped segment).

/// Installs the SIGBUS handler once; it passes every fault outside registered ranges on to whatever
/// handler was there before. False where the system refuses.
bool cp_guard_install(void);
/// Registers a mapping. A memory error inside it maps zeros over the page, counts, and resumes.
/// Returns a slot number, or -1 where all slots are taken (the mapping is then unguarded).
int cp_guard_add(const void *start, size_t length);
/// Forgets a range. The caller still unmaps it.
void cp_guard_remove(int slot);
/// Faults caught in this process so far; a reader compares before and after.
static inline uint64_t cp_guard_fault_count(void) {
  extern uint64_t cp_guard_faults;
  return __atomic_load_n(&cp_guard_faults, __ATOMIC_ACQUIRE);
}
/// Offset of the first page in the range of `slot` that was covered and has bytes from `start` to
/// `end`, or SIZE_MAX where there is none.
size_t cp_guard_first_fault(int slot, size_t start, size_t end);

// Forks.

/// Begins to count forks; calling again does nothing.
void cp_fork_watch(void);
/// Differs between a process and its children, once `cp_fork_watch` was called in it.
static inline uint64_t cp_fork_generation(void) {
  // Changed only before a child's first instruction, while it has one thread.
  extern uint64_t cp_fork_count;
  return cp_fork_count;
}
/// Lets children close `descriptor` at once, or its lock would live as long as they do. Returns a slot
/// number, or -1 where all slots are taken.
int cp_fork_hold(int descriptor);
/// Forgets the descriptor of `slot`.
void cp_fork_release(int slot);

#include "CPlatformThreads.h"

#endif
