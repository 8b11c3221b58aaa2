// Plain C, for every architecture. With a flush instruction, whole lines are stored through the
// cache and flushed. Without one (FL_HAS_FLUSHCACHE is 0) there are the kernel's two fallbacks:
// an ordinary copy for the contiguous one, and one that bypasses the cache for the gathering one.
#include "copy_real.h"

static inline void fl_store_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  (void)core;
  for (size_t i = 0; i < FL_LINE_SIZE; i += 8) {
    __builtin_memcpy_inline(d + i, s + i, 8);
    __asm__ volatile("" : : : "memory");
  }
}

#if FL_HAS_FLUSHCACHE

#define fl_stream_line fl_store_line
#define FL_SET_STREAMS 0
#include "copy_template.h"

const fl_copy_set fl_copy_set_generic = FL_COPY_SET("generic");

#else

static inline void fl_stream_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  (void)core;
  uint64_t words[FL_LINE_SIZE / 8];
  __builtin_memcpy_inline(words, s, sizeof words);
  for (size_t i = 0; i < FL_LINE_SIZE / 8; i += 1) {
    __builtin_nontemporal_store(words[i], (uint64_t *)(void *)d + i);
  }
}

#define FL_SET_STREAMS 1
#include "copy_template.h"

static void copy_ordinary(const fl_core *core, unsigned char *d, const unsigned char *s,
                          size_t count) {
  (void)core;
  __builtin_memcpy(d, s, count);
}

const fl_copy_set fl_copy_set_generic = {
    .name = "generic",
    .copy = copy_ordinary,
    .gather = copy_flushed,
    .stretch = copy_streamed,
    .cached = copy_cached,
    .flush = flush_range,
    .streams = false,
};

#endif
