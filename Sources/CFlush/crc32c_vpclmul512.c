// CRC32C by folding 64 bytes at a time (AVX-512 registers).
#if defined(__x86_64__)
#pragma clang attribute push(                                                     \
    __attribute__((target("avx512f,avx512dq,avx512vl,vpclmulqdq,sse4.2,pclmul"))), \
    apply_to = function)
#include <immintrin.h>

#include "crc32c.h"

typedef __m512i fl_vector;

static inline __m128i unit_of(fl_vector v, int i) {
  switch (i) {
    case 0: return _mm512_castsi512_si128(v);
    case 1: return _mm512_extracti32x4_epi32(v, 1);
    case 2: return _mm512_extracti32x4_epi32(v, 2);
    default: return _mm512_extracti32x4_epi32(v, 3);
  }
}

#define FL_VECTOR_UNITS 4
#define FL_VECTOR_LOAD(p) _mm512_loadu_si512((p))
#define FL_VECTOR_CONSTANT(p) \
  _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define FL_VECTOR_FIRST(n) _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)(n)))
#define FL_VECTOR_XOR(a, b) _mm512_xor_si512((a), (b))
#define FL_VECTOR_CLMUL(a, k, which) _mm512_clmulepi64_epi128((a), (k), which)
#define FL_VECTOR_UNIT(v, i) unit_of((v), (i))
#define FL_FOLD_LEAST 512
#include "crc32c_fold.h"

uint32_t fl_crc_vpclmul512(uint32_t state, const unsigned char *bytes, size_t count) {
  return fold(state, bytes, count);
}

#pragma clang attribute pop
#endif
