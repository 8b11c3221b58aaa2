// CRC32C by folding, written once for any vector width. An includer defines
//
//   fl_vector, FL_VECTOR_UNITS            the type and its size in 16-byte units
//   FL_VECTOR_LOAD(p)                     an unaligned load
//   FL_VECTOR_CONSTANT(p)                 16 bytes at p, in every unit
//   FL_VECTOR_FIRST(n)                    a vector with 32-bit n in its first bytes, else zero
//   FL_VECTOR_XOR(a, b)
//   FL_VECTOR_CLMUL(a, k, which)          carry-less products per unit
//   FL_VECTOR_UNIT(v, i)                  one unit as __m128i
//   FL_FOLD_LEAST                         bytes from which on folding is faster than three chains
//
// and gets `fold(state, bytes, count)`. Four accumulators hide the multiplication's latency.
#include "crc32c_x86.h"

static inline fl_vector fold_on(fl_vector value, fl_vector k, fl_vector next) {
  return FL_VECTOR_XOR(
      FL_VECTOR_XOR(FL_VECTOR_CLMUL(value, k, 0x00), FL_VECTOR_CLMUL(value, k, 0x11)), next);
}

static inline fl_vector fold_constant(size_t vectors) {
  return FL_VECTOR_CONSTANT(fl_crc_k.fold[vectors * FL_VECTOR_UNITS]);
}

static inline uint32_t fold(uint32_t state, const unsigned char *bytes, size_t count) {
  enum { size = FL_VECTOR_UNITS * 16, step = 4 * size };
  if (count < FL_FOLD_LEAST) return fl_crc_three_way(state, bytes, count);
  fl_vector a = FL_VECTOR_XOR(FL_VECTOR_LOAD(bytes), FL_VECTOR_FIRST(state));
  fl_vector b = FL_VECTOR_LOAD(bytes + size);
  fl_vector c = FL_VECTOR_LOAD(bytes + 2 * size);
  fl_vector d = FL_VECTOR_LOAD(bytes + 3 * size);
  bytes += step;
  count -= step;
  const fl_vector k = fold_constant(4);
  for (; count >= step; count -= step) {
    a = fold_on(a, k, FL_VECTOR_LOAD(bytes));
    b = fold_on(b, k, FL_VECTOR_LOAD(bytes + size));
    c = fold_on(c, k, FL_VECTOR_LOAD(bytes + 2 * size));
    d = fold_on(d, k, FL_VECTOR_LOAD(bytes + 3 * size));
    bytes += step;
  }
  // Each distance has its own constant, so the three products don't wait for each other.
  d = fold_on(a, fold_constant(3), d);
  c = fold_on(c, fold_constant(1), FL_VECTOR_FIRST(0));
  d = FL_VECTOR_XOR(fold_on(b, fold_constant(2), d), c);
  __m128i joined = FL_VECTOR_UNIT(d, FL_VECTOR_UNITS - 1);
  for (int i = 0; i < FL_VECTOR_UNITS - 1; i += 1) {
    const __m128i unit = FL_VECTOR_UNIT(d, i);
    joined = _mm_xor_si128(joined, fl_fold_128(unit, (size_t)(FL_VECTOR_UNITS - 1 - i)));
  }
  return fl_crc_three_way(fl_reduce_128(joined), bytes, count);
}
