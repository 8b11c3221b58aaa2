// SSE2, which every x86-64 CPU has: a line is four 16-byte stores.
#if defined(__x86_64__)
#include <emmintrin.h>

#include "copy_real.h"
#if FL_HAS_FLUSHCACHE

static inline void fl_stream_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  (void)core;
  __m128i line[4];
  for (int i = 0; i < 4; i += 1) line[i] = _mm_loadu_si128((const __m128i *)(const void *)s + i);
  for (int i = 0; i < 4; i += 1) _mm_stream_si128((__m128i *)(void *)d + i, line[i]);
}

static inline void fl_store_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  (void)core;
  for (int i = 0; i < 4; i += 1) {
    const __m128i part = _mm_loadu_si128((const __m128i *)(const void *)s + i);
    _mm_store_si128((__m128i *)(void *)d + i, part);
    __asm__ volatile("" : : : "memory");
  }
}

#define FL_SET_STREAMS 1
#include "copy_template.h"

const fl_copy_set fl_copy_set_sse2 = FL_COPY_SET("sse2");

#endif
#endif
