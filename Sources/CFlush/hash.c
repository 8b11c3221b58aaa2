// A seeded 64-bit hash: 16 bytes a step, each folded in by one 64 x 64 -> 128 bit multiplication
// whose halves are xored. Loads are little-endian, so the answer is the same everywhere.
//
// The constants are the fractional bits of the square roots of 2, 3, 5 and 7, made odd: arbitrary,
// and visibly so. A factor that becomes zero would erase its partner; the partner is therefore
// xored in again, so that no single input value can blind a step.
#include "CFlush.h"

static inline uint64_t load_half(const unsigned char *bytes) {
  uint32_t value;
  __builtin_memcpy(&value, bytes, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap32(value);
#endif
  return value;
}

uint64_t fl_hash64(const void *bytes, size_t count, uint64_t seed) {
  const unsigned char *at = bytes;
  uint64_t state = seed ^ FL_HASH_ROOT_2;
  uint64_t first = 0, last = 0;
  if (count >= 8) {
    size_t left = count;
    if (left > 64) {
      // Two chains, since one would wait for each multiplication.
      uint64_t other = seed ^ FL_HASH_ROOT_7;
      do {
        state = fl_hash_fold(fl_hash_load(at) ^ FL_HASH_ROOT_3, fl_hash_load(at + 8) ^ state);
        other = fl_hash_fold(fl_hash_load(at + 16) ^ FL_HASH_ROOT_5, fl_hash_load(at + 24) ^ other);
        at += 32;
        left -= 32;
      } while (left > 32);
      state ^= fl_hash_fold(other, FL_HASH_ROOT_5);
    }
    for (; left > 16; left -= 16) {
      state = fl_hash_fold(fl_hash_load(at) ^ FL_HASH_ROOT_3, fl_hash_load(at + 8) ^ state);
      at += 16;
    }
    // The last 16 bytes of the whole, overlapping what came before; or, below 16, its two ends.
    const unsigned char *end = (const unsigned char *)bytes + count;
    first = fl_hash_load(count >= 16 ? end - 16 : bytes);
    last = fl_hash_load(end - 8);
  } else if (count >= 4) {
    first = load_half(at);
    last = load_half(at + count - 4);
  } else if (count > 0) {
    first = (uint64_t)at[0] << 16 | (uint64_t)at[count / 2] << 8 | at[count - 1];
  }
  return fl_hash_end(state, first, last, count);
}
