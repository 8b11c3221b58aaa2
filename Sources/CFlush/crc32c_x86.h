// What the x86 implementations of CRC32C share: the SSE4.2 instruction, three of them side by side,
// and the constants that join registers. Include with target sse4.2 and pclmul.
//
// Shifting a register by n zero bits multiplies it by x^n. For reflected 32-bit values a and b the
// carry-less product, read as a reflected 64-bit value, is a * b * x; `crc32q(0, v)` is v * x^32.
// Together crc32q(0, a * b) = a * b * x^33, so b = x^(n - 33) shifts a by n.
#ifndef CFLUSH_CRC32C_X86_H
#define CFLUSH_CRC32C_X86_H

#include <immintrin.h>

#include "crc32c.h"

enum {
  fl_serial_most = 127,  // bytes: up to here one chain is faster than joining three
  fl_lane_words = 64,    // longest lane of three, in 8-byte words
  fl_fold_units = 16,    // longest folding distance, in 16-byte units
};

/// Filled in by fl_crc_prepare_x86.
typedef struct fl_crc_constants {
  /// x^(64 i - 33): shifts a register by i words.
  uint32_t shift[2 * fl_lane_words + 1];
  /// Shifts a 128-bit remainder by i 16-byte units; its first 8 bytes have the higher degrees, so
  /// they go 64 further. [0] is x^(128 i + 63), [1] is x^(128 i - 1), each as a reflected 64-bit
  /// value; the missing x comes from the product, as above.
  uint64_t fold[fl_fold_units + 1][2];
} fl_crc_constants;

extern fl_crc_constants fl_crc_k;

static inline uint64_t fl_load_64(const unsigned char *bytes) {
  uint64_t value;
  __builtin_memcpy_inline(&value, bytes, 8);
  return value;
}

static inline uint32_t fl_crc_serial(uint32_t state, const unsigned char *bytes, size_t count) {
  uint64_t wide = state;
  for (; count >= 32; count -= 32) {
    wide = _mm_crc32_u64(wide, fl_load_64(bytes));
    wide = _mm_crc32_u64(wide, fl_load_64(bytes + 8));
    wide = _mm_crc32_u64(wide, fl_load_64(bytes + 16));
    wide = _mm_crc32_u64(wide, fl_load_64(bytes + 24));
    bytes += 32;
  }
  if (count & 16) {
    wide = _mm_crc32_u64(wide, fl_load_64(bytes));
    wide = _mm_crc32_u64(wide, fl_load_64(bytes + 8));
    bytes += 16;
  }
  if (count & 8) {
    wide = _mm_crc32_u64(wide, fl_load_64(bytes));
    bytes += 8;
  }
  state = (uint32_t)wide;
  if (count & 4) {
    uint32_t value;
    __builtin_memcpy_inline(&value, bytes, 4);
    state = _mm_crc32_u32(state, value);
    bytes += 4;
  }
  if (count & 2) {
    uint16_t value;
    __builtin_memcpy_inline(&value, bytes, 2);
    state = _mm_crc32_u16(state, value);
    bytes += 2;
  }
  if (count & 1) state = _mm_crc32_u8(state, *bytes);
  return state;
}

static inline uint64_t fl_clmul_32(uint32_t a, uint32_t b) {
  const __m128i product =
      _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)a), _mm_cvtsi32_si128((int)b), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

/// One instruction takes three cycles and one can start in each, so three chains run at once. The
/// first two registers are shifted to the end and go in with the last word of the third.
static inline uint32_t fl_crc_three_way(uint32_t state, const unsigned char *bytes, size_t count) {
  while (count > fl_serial_most) {
    size_t words = count / 24;
    if (words > fl_lane_words) words = fl_lane_words;
    const unsigned char *const second = bytes + words * 8, *const third = second + words * 8;
    uint64_t a = state, b = 0, c = 0;
    for (size_t i = 0; i < (words - 1) * 8; i += 8) {
      a = _mm_crc32_u64(a, fl_load_64(bytes + i));
      b = _mm_crc32_u64(b, fl_load_64(second + i));
      c = _mm_crc32_u64(c, fl_load_64(third + i));
    }
    const size_t last = (words - 1) * 8;
    a = _mm_crc32_u64(a, fl_load_64(bytes + last));
    b = _mm_crc32_u64(b, fl_load_64(second + last));
    const uint64_t joined = fl_clmul_32((uint32_t)a, fl_crc_k.shift[2 * words]) ^
                            fl_clmul_32((uint32_t)b, fl_crc_k.shift[words]);
    state = (uint32_t)_mm_crc32_u64(c, fl_load_64(third + last) ^ joined);
    bytes += words * 24;
    count -= words * 24;
  }
  return fl_crc_serial(state, bytes, count);
}

/// Moves a 128-bit remainder on by `units` times 16 bytes.
static inline __m128i fl_fold_128(__m128i value, size_t units) {
  const __m128i k = _mm_loadu_si128((const __m128i *)(const void *)fl_crc_k.fold[units]);
  return _mm_xor_si128(_mm_clmulepi64_si128(value, k, 0x00), _mm_clmulepi64_si128(value, k, 0x11));
}

/// The register that 16 bytes of remainder leave behind.
static inline uint32_t fl_reduce_128(__m128i value) {
  const uint64_t state = _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(value));
  return (uint32_t)_mm_crc32_u64(state, (uint64_t)_mm_extract_epi64(value, 1));
}

#endif
