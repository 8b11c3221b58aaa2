// The dispatch table behind `fl_core`, and what every file of the copy core shares.
//
// A table is filled once and never changes afterwards, so it needs no lock. Copy functions take the
// table as their first argument: the policy and the flush instruction are read from it (a branch
// that always goes the same way), and a recording core finds its recorder there.
#ifndef CFLUSH_CORE_H
#define CFLUSH_CORE_H

#include "CFlush.h"
#include "mutant.h"

/// Ascending in preference within one architecture.
typedef enum fl_flush_kind {
  FL_FLUSH_NONE = 0,
  FL_FLUSH_CLFLUSH,
  FL_FLUSH_CLFLUSHOPT,
  FL_FLUSH_CLWB,
  FL_FLUSH_CVAC,
  FL_FLUSH_CVAP,
  FL_FLUSH_KINDS,
} fl_flush_kind;

typedef void fl_copy_function(const fl_core *core, unsigned char *destination,
                              const unsigned char *source, size_t count);
typedef void fl_flush_function(const fl_core *core, const unsigned char *start, size_t count);
typedef void fl_fence_function(const fl_core *core);

struct fl_core {
  fl_copy_function *copy;     // the destination is persisted after a fence
  fl_copy_function *gather;   // a short gathered copy; differs from `copy` only without a flush
  fl_copy_function *stretch;  // a piece of a longer one
  fl_copy_function *cached;   // through the cache, nothing flushed
  fl_flush_function *flush;
  fl_fence_function *fence;
  const char *copy_name;
  fl_policy policy;  // STRICT, TRUSTING or PLAIN
  fl_flush_kind flush_kind;
};

/// Bytes up to which a copy that covers some lines in part goes through the cache as a whole. A fence
/// waits for streamed lines and for lines written back one behind the other, so 116 bytes took 225 ns on
/// one line and a part, 168 ns through the cache, 177 ns as two streamed lines; from 2 KiB on streaming is
/// worth its wait (Zen 5). Where streamed lines need no write-back it is so sooner: 512 bytes took 169 ns
/// instead of 184, 1 KiB 177 instead of 217 (Zen 4).
static inline size_t fl_cached_most(const fl_core *core) {
  return core->policy == FL_POLICY_TRUSTING ? 256 : 23 * FL_LINE_SIZE;
}

/// What one instruction set contributes to a table.
typedef struct fl_copy_set {
  const char *name;
  fl_copy_function *copy;
  fl_copy_function *gather;
  fl_copy_function *stretch;
  fl_copy_function *cached;
  fl_flush_function *flush;
  bool streams;  // whole lines bypass the cache; if not, only STRICT makes sense
} fl_copy_set;

extern const fl_copy_set fl_copy_set_generic;
#if defined(__x86_64__) && FL_HAS_FLUSHCACHE
extern const fl_copy_set fl_copy_set_sse2;
extern const fl_copy_set fl_copy_set_avx2;
extern const fl_copy_set fl_copy_set_avx512;
#elif defined(__aarch64__) && FL_HAS_FLUSHCACHE
extern const fl_copy_set fl_copy_set_neon;
#endif

/// Lines from the one that holds `start` to the one that holds the last byte.
static inline size_t fl_line_count(const void *start, size_t count) {
  const size_t skew = (uintptr_t)start % FL_LINE_SIZE;
  return count == 0 ? 0 : (skew + count - 1) / FL_LINE_SIZE + 1;
}

/// Bytes from `address` to the next line boundary; 0 on a boundary.
static inline size_t fl_bytes_to_line(const void *address) {
  return (size_t)(-(uintptr_t)address % FL_LINE_SIZE);
}

/// Copies `count` bytes into a staging buffer. Short pieces are moved right here, from both ends
/// towards the middle: a call costs more than most keys, and few instructions matter, because what
/// follows a fence starts to run while the fence still waits. (And `memcpy` may not be given the
/// null pointer that an empty slice may hold.)
static inline void fl_stage(unsigned char *destination, const unsigned char *source, size_t count) {
  unsigned char *const d_end = destination + count;
  const unsigned char *const s_end = source + count;
  if (count > 128) {
    __builtin_memcpy(destination, source, count);
  } else if (count > 32) {
    if (count > 64) {
      __builtin_memcpy_inline(destination + 32, source + 32, 32);
      __builtin_memcpy_inline(d_end - 64, s_end - 64, 32);
    }
    __builtin_memcpy_inline(destination, source, 32);
    __builtin_memcpy_inline(d_end - 32, s_end - 32, 32);
  } else if (count >= 16) {
    __builtin_memcpy_inline(destination, source, 16);
    __builtin_memcpy_inline(d_end - 16, s_end - 16, 16);
  } else if (count >= 8) {
    __builtin_memcpy_inline(destination, source, 8);
    __builtin_memcpy_inline(d_end - 8, s_end - 8, 8);
  } else if (count >= 4) {
    __builtin_memcpy_inline(destination, source, 4);
    __builtin_memcpy_inline(d_end - 4, s_end - 4, 4);
  } else if (count > 0) {
    destination[0] = source[0];
    destination[count / 2] = source[count / 2];
    d_end[-1] = s_end[-1];
  }
}

#endif
