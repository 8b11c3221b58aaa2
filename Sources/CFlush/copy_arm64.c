// arm64: 16-byte registers. `stnp` is a hint that may leave the line in the cache, so this set does
// not count as streaming and every line is flushed.
#if defined(__aarch64__)

#include "copy_real.h"
#if FL_HAS_FLUSHCACHE

typedef unsigned char fl_q __attribute__((vector_size(16)));

static inline void fl_stream_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  (void)core;
  fl_q q[4];
  __builtin_memcpy_inline(q, s, sizeof q);
  __asm__ volatile("stnp %q1, %q2, [%0]\n\tstnp %q3, %q4, [%0, #32]"
                   : : "r"(d), "w"(q[0]), "w"(q[1]), "w"(q[2]), "w"(q[3]) : "memory");
}

static inline void fl_store_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  (void)core;
  for (size_t i = 0; i < FL_LINE_SIZE; i += 16) {
    __builtin_memcpy_inline(d + i, s + i, 16);
    __asm__ volatile("" : : : "memory");
  }
}

#define FL_SET_STREAMS 0
#include "copy_template.h"

const fl_copy_set fl_copy_set_neon = FL_COPY_SET("neon");

#endif
#endif
