/// The exhaustive loops of the copy core's tests, in C because they run millions of small copies.
///
/// Under sanitizers: `swift test --disable-xctest --sanitize=address`, and for undefined behaviour
/// `swift test --disable-xctest -Xcc -fsanitize=undefined,bounds -Xcc -fsanitize-trap=all`.
///
/// Every check returns NULL, or a message that says what differs and where. The message lives until
/// the calling thread's next check.
#ifndef CFLUSH_TEST_SUPPORT_H
#define CFLUSH_TEST_SUPPORT_H

#include "CFlush.h"

// Copies against memcpy, with guard bytes on both sides

/// Which of the copy functions a check drives.
typedef enum cft_copy {
  CFT_COPY_FLUSHED,
  CFT_COPY_CACHED,
  CFT_COPY_GATHERED,
  CFT_COPY_UNSAFE,
  CFT_FILL,
} cft_copy;

/// Every destination offset (0-63), source offsets 0-7, lengths 0-320.
const char *cft_check_short_copies(const fl_core *core, cft_copy copy);
/// Lengths around pages, blocks and 64 KiB, up to 300 KB.
const char *cft_check_long_copies(const fl_core *core, cft_copy copy);
/// Random lists of slices, some empty, with random offsets and counts.
const char *cft_check_gathering(const fl_core *core, uint64_t seed, int rounds);
const char *cft_check_page_bounds(const fl_core *core);
/// More than 4 GiB, in one call. A second or two.
const char *cft_check_huge_copy(const fl_core *core);

// Recorded copies against the contract: which stores, which flushes, in which order

const char *cft_check_recorded_copies(fl_policy policy, cft_copy copy);
const char *cft_check_recorded_gathering(fl_policy policy, uint64_t seed, int rounds);
const char *cft_check_recorded_appends(fl_policy policy, fl_append_mode mode, uint64_t seed,
                                       int rounds);
const char *cft_check_recorded_flush_and_fence(fl_policy policy);

// Append against a plain composition

const char *cft_check_short_appends(const fl_core *core, fl_append_mode mode);
const char *cft_check_random_appends(const fl_core *core, fl_append_mode mode, uint64_t seed,
                                     int rounds);

// Checksums and hashes

/// Whether this CPU has the instructions. An implementation that then rejects itself is a fault.
bool cft_has_crc(const char *name);
/// Against a bitwise reference: lengths 0-1100 at several alignments, random longer ones.
const char *cft_check_crc(const char *name, uint64_t seed);
const char *cft_check_crc_chaining(const char *name, uint64_t seed);
uint32_t cft_bitwise_crc(uint32_t crc, const void *bytes, size_t count);
/// Flips every input bit; each output bit must change about half of the time.
const char *cft_check_hash_avalanche(size_t length);
/// Equal hashes, and crowded buckets, among `count` sequential keys of `length` bytes.
const char *cft_check_hash_collisions(size_t length, uint32_t count);

// Sources that fault

typedef enum cft_fault {
  CFT_FAULT_PROTECTED_PAGE,  // PROT_NONE in an anonymous mapping
  CFT_FAULT_TRUNCATED_FILE,  // a mapped file made shorter
} cft_fault;

typedef enum cft_guard {
  CFT_GUARD_DRAM,        // fl_copy_guarded
  CFT_GUARD_FLUSHCACHE,  // fl_copy_unsafe_flushcache
  CFT_GUARD_PIPE,        // what stands in where process_vm_readv is refused
} cft_guard;

/// A mapping of readable pages and then faulting ones; copies that start somewhere ahead of the
/// fault and reach beyond it must stop there exactly.
const char *cft_check_guard(const fl_core *core, cft_fault fault, cft_guard guard);
/// Refuses process_vm_readv to this process with that errno. Can't be undone.
bool cft_refuse_process_vm_readv(int error);

#endif
