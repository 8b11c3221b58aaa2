// AVX2: a line is two 32-byte stores.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#include <immintrin.h>

#include "copy_real.h"
#if FL_HAS_FLUSHCACHE

static inline void fl_stream_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  (void)core;
  const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)s);
  const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(s + 32));
  _mm256_stream_si256((__m256i *)(void *)d, a);
  _mm256_stream_si256((__m256i *)(void *)(d + 32), b);
}

static inline void fl_store_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  (void)core;
  const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)s);
  const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(s + 32));
  _mm256_store_si256((__m256i *)(void *)d, a);
  __asm__ volatile("" : : : "memory");
  _mm256_store_si256((__m256i *)(void *)(d + 32), b);
  __asm__ volatile("" : : : "memory");
}

#define FL_SET_STREAMS 1
#include "copy_template.h"

const fl_copy_set fl_copy_set_avx2 = FL_COPY_SET("avx2");

#endif
#pragma clang attribute pop
#endif
