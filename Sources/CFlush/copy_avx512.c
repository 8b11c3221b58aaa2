// AVX-512F: a line is one store.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#include <immintrin.h>

#include "copy_real.h"
#if FL_HAS_FLUSHCACHE

static inline void fl_stream_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  (void)core;
  _mm512_stream_si512((__m512i *)(void *)d, _mm512_loadu_si512(s));
}

static inline void fl_store_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  (void)core;
  _mm512_store_si512(d, _mm512_loadu_si512(s));
  __asm__ volatile("" : : : "memory");
}

#define FL_SET_STREAMS 1
#include "copy_template.h"

const fl_copy_set fl_copy_set_avx512 = FL_COPY_SET("avx512");

#endif
#pragma clang attribute pop
#endif
