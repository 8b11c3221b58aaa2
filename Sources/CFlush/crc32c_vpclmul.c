// CRC32C by folding 32 bytes at a time (AVX2 registers).
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,vpclmulqdq,sse4.2,pclmul"))), \
                             apply_to = function)
#include <immintrin.h>

typedef __m256i fl_vector;
#define FL_VECTOR_UNITS 2
#define FL_VECTOR_LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define FL_VECTOR_CONSTANT(p) \
  _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define FL_VECTOR_FIRST(n) _mm256_zextsi128_si256(_mm_cvtsi32_si128((int)(n)))
#define FL_VECTOR_XOR(a, b) _mm256_xor_si256((a), (b))
#define FL_VECTOR_CLMUL(a, k, which) _mm256_clmulepi64_epi128((a), (k), which)
#define FL_VECTOR_UNIT(v, i) \
  ((i) == 0 ? _mm256_castsi256_si128(v) : _mm256_extracti128_si256((v), 1))
#define FL_FOLD_LEAST 384
#include "crc32c_fold.h"

uint32_t fl_crc_vpclmul(uint32_t state, const unsigned char *bytes, size_t count) {
  return fold(state, bytes, count);
}

#pragma clang attribute pop
#endif
