/// The copy core: copies whose destination is left clean in every CPU cache, so that one fence
/// commits them.
///
/// Terms
///   line        64 bytes, aligned; the unit in which caches write back
///   persisted   after the copy (or the flush) *and* a later `fl_fence` by the SAME thread, no
///               byte of the destination is dirty in any cache: it has reached the persistence
///               domain if the destination is persistent memory
///   policy      strict: every line is written back explicitly, whatever state a cache holds it in;
///               trusting: a non-temporal store alone suffices (only on CPUs that evict a resident
///               line when a non-temporal store hits it); plain: ordinary stores, no flush at all,
///               the stores of one call in no particular order
///
/// Rules that hold for every function here
///   * No alignment is required of any pointer. Source and destination must not overlap.
///   * A fence completes only what the calling thread stored and flushed.
///   * A whole line is either stored non-temporally or through the cache, never both; a line that a
///     call covers only in part is stored through the cache.
///   * Functions taking `const fl_core *` are safe from any thread; two threads must not write to
///     the same line at the same time.
#ifndef CFLUSH_H
#define CFLUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FL_LINE_SIZE 64u

/// Whether this build has copies that leave their destination clean in every cache. Without them
/// the contiguous copy is an ordinary one, the gathering copy still avoids the cache where the
/// compiler can, and no core reaches persistence.
#if !defined(FL_HAS_FLUSHCACHE)
#if defined(__x86_64__) || defined(__aarch64__)
#define FL_HAS_FLUSHCACHE 1
#else
#define FL_HAS_FLUSHCACHE 0
#endif
#endif

/// One instruction set, one flush instruction and one policy, chosen together.
typedef struct fl_core fl_core;

typedef enum fl_policy {
  FL_POLICY_AUTO = 0,
  FL_POLICY_STRICT = 1,
  FL_POLICY_TRUSTING = 2,
  FL_POLICY_PLAIN = 3,
} fl_policy;

typedef struct fl_slice {
  const void *base;
  size_t length;
} fl_slice;

// Choosing a core

/// The core for this CPU, chosen once per policy. `FENCELINE_COPY` (avx512, avx2, sse2, neon,
/// generic), `FENCELINE_FLUSH` (clwb, clflushopt, clflush, cvap, cvac, none) and `FENCELINE_POLICY`
/// (auto, strict, trusting, plain) override, `policy` included; they are read at the first use of
/// any core. A forced choice that this CPU lacks or that is not a name gives NULL.
const fl_core *fl_core_select(fl_policy policy);
/// The core named by its parts, or NULL where this CPU or build has no such core. A part that is
/// NULL is chosen: the best that there is. An instruction set that can't bypass the cache (generic,
/// neon) has strict cores only, and gives one to whoever asks for trusting.
const fl_core *fl_core_named(const char *copy, const char *flush, fl_policy policy);
/// Ordinary stores, no flush, a fence that only orders stores: for memory whose contents need no
/// write-back (DRAM, tmpfs, a persistence domain that includes the caches).
const fl_core *fl_core_plain(void);

const char *fl_core_copy_name(const fl_core *core);   // "avx512", ..., "generic", "recording"
const char *fl_core_flush_name(const fl_core *core);  // "clwb", ..., "none"
fl_policy fl_core_policy(const fl_core *core);        // never AUTO
/// Whether a flush and a fence of this core bring a line out of every cache of this machine's
/// persistence path (false: no flush instruction, or arm64 without `dc cvap`).
bool fl_core_reaches_persistence(const fl_core *core);

// Copies

/// Corresponds to the kernel's `memcpy_flushcache`. Persisted after the next fence.
void fl_copy_flushcache(const fl_core *core, void *destination, const void *source, size_t count);
/// Corresponds to `copy_from_iter_flushcache`: skips `offset` bytes of the gathered slices, then
/// copies up to `count`. Returns the bytes copied (less than `count` where the slices end early).
size_t fl_copyv_flushcache(const fl_core *core, void *destination, const fl_slice *slices,
                           size_t slice_count, size_t offset, size_t count);
/// Corresponds to `memcpy_page_flushcache`: a piece of one 4096-byte page. Returns the bytes
/// copied: `count`, or fewer where the page ends.
size_t fl_copy_page_flushcache(const fl_core *core, void *destination, const void *page,
                               size_t offset, size_t count);
/// Corresponds to `__copy_from_user_inatomic_flushcache`: the source may fault (truncated mapping,
/// PROT_NONE, poisoned memory). Returns the bytes NOT copied, exact to the byte; never a signal.
/// The kernel reads the source (`process_vm_readv`, a pipe where that is refused), so a call costs
/// some hundred nanoseconds; where neither is to be had, nothing is copied.
size_t fl_copy_unsafe_flushcache(const fl_core *core, void *destination, const void *source,
                                 size_t count);
/// The same guard for a destination in DRAM: copies out of a mapping that may fault. Returns the
/// bytes NOT copied.
size_t fl_copy_guarded(void *destination, const void *source, size_t count);
/// Fills with one byte. Persisted after the next fence.
void fl_fill_flushcache(const fl_core *core, void *destination, uint8_t byte, size_t count);
/// Through the cache, nothing flushed: visible to other threads in program order (no fence needed),
/// persisted only after `fl_flush` over the range and a fence.
void fl_copy_cached(const fl_core *core, void *destination, const void *source, size_t count);
/// Starts the write-back of every line that the range touches. Also reaches lines that another
/// thread stored through the cache.
void fl_flush(const fl_core *core, const void *start, size_t count);
/// Orders everything that this thread stored and flushed before everything that follows.
void fl_fence(const fl_core *core);

// Append: one call per record, checksum fused with the copy

typedef enum fl_append_mode {
  FL_APPEND_CACHED = 0,    // as fl_copy_cached
  FL_APPEND_FLUSHED = 1,   // as fl_copy_flushcache
} fl_append_mode;

typedef struct fl_append_parts {
  /// Its first four bytes receive the checksum, little-endian, before the copy. Fields that were
  /// stored just before are read back fastest where each lies in an aligned 8-byte word.
  void *header;
  size_t header_length;    // 4 to 128
  fl_slice key;
  fl_slice value;
  fl_slice trailer;        // copied after the value, not covered by the checksum
} fl_append_parts;

/// Writes header, key, value and trailer one after the other. The checksum is CRC32C continued from
/// `seed` over key, value, then header[4..<header_length]. Returns the checksum. Flushed, every
/// line is stored and flushed once; cached, the header is stored last.
uint32_t fl_append(const fl_core *core, void *destination, const fl_append_parts *parts,
                   uint32_t seed, fl_append_mode mode);

/// Starts to load the line of `address`, to be written soon; never faults.
static inline void fl_prefetch_to_write(const void *address) { __builtin_prefetch(address, 1); }
/// Starts to load the line of `address`; never faults.
static inline void fl_prefetch(const void *address) { __builtin_prefetch(address); }

// Checksums and hashes

/// CRC32C (Castagnoli, as in iSCSI), continued from `crc` (0 to start):
/// fl_crc32c(fl_crc32c(0, a), b) == fl_crc32c(0, ab). `FENCELINE_CRC` (software, sse42, clmul,
/// vpclmul, vpclmul512, arm) forces an implementation; one that this CPU lacks is passed over,
/// since all give the same checksum.
uint32_t fl_crc32c(uint32_t crc, const void *bytes, size_t count);
const char *fl_crc32c_name(void);

/// A seeded 64-bit hash for tables in memory; stable across machines, not cryptographic.
uint64_t fl_hash64(const void *bytes, size_t count, uint64_t seed);

#include "CFlushInline.h"

// Recording

typedef enum fl_event_kind {
  FL_EVENT_STORE_CACHED = 0,  // in program order per line
  FL_EVENT_STORE_STREAM = 1,  // non-temporal: each aligned 8-byte word on its own
  FL_EVENT_FLUSH = 2,         // one line
  FL_EVENT_FENCE = 3,
} fl_event_kind;

typedef struct fl_event {
  fl_event_kind kind;
  uint64_t thread;       // fl_thread_id() of the acting thread
  const void *address;   // destination of the store, start of the flushed line; NULL for a fence
  size_t length;         // bytes stored; 64 for a flush; 0 for a fence
} fl_event;

/// Called after the event took effect in memory, so a store's bytes can be read at `address`.
typedef void (*fl_recorder)(void *context, const fl_event *event);

/// A core that does and reports every store, flush and fence that the cores of this policy do: it
/// comes from the same loops. Cached stores are reported in order, in pieces of at most 16 bytes.
/// Flushes and fences are reported, not executed. If several threads use the core, several calls of
/// the recorder run at once. NULL without a recorder or memory. Release with `fl_core_release`.
fl_core *fl_core_recording(fl_policy policy, fl_recorder recorder, void *context);
void fl_core_release(fl_core *core);

/// A small number that is unique to the calling thread for the life of the process.
uint64_t fl_thread_id(void);

// Probe

typedef struct fl_probe_result {
  double resident_store_ns;   // non-temporal store + full fence, line in the first-level cache
  double absent_store_ns;     // the same on a line that is in no cache
  double resident_reload_ns;  // loading the line right after that store
  double cached_reload_ns;    // loading a line that is in the first-level cache
  bool evicts_resident_line;  // the verdict: a non-temporal store leaves no copy in a cache
  bool trusted_by_auto;       // whether FL_POLICY_AUTO resolves to trusting here
} fl_probe_result;

/// Measures what a non-temporal store does to a cached line on this CPU. A few milliseconds. All
/// zero where there is no such store. The verdict is for people: AUTO goes by a table of CPUs
/// measured at leisure, and is strict under a hypervisor, which may move to another CPU.
fl_probe_result fl_probe(void);

#ifdef __cplusplus
}
#endif
#endif
