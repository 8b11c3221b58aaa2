// A seeded 64-bit hash: 16 bytes a step, each folded in by one 64 x 64 -> 128 bit multiplication
// whose halves are xored. Loads are little-endian, so the answer is the same everywhere.
//
// The constants are the fractional bits of the square roots of 2, 3, 5 and 7, made odd: arbitrary,
// and visibly so. A factor that becomes zero would erase its partner; the partner is therefore
// xored in again, so that no single input value can blind a step.
#include "CFlush.h"

static const uint64_t root_2 = 0x6a09e667f3bcc909;
static const uint64_t root_3 = 0xbb67ae8584caa73b;
static const uint64_t root_5 = 0x3c6ef372fe94f82b;
static const uint64_t root_7 = 0xa54ff53a5f1d36f1;

static inline uint64_t fold(uint64_t a, uint64_t b) {
  const unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64) ^ b;
}

static inline uint64_t load(const unsigned char *bytes) {
  uint64_t value;
  __builtin_memcpy(&value, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

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
  uint64_t state = seed ^ root_2;
  uint64_t first = 0, last = 0;
  if (count >= 8) {
    size_t left = count;
    if (left > 64) {
      // Two chains, since one would wait for each multiplication.
      uint64_t other = seed ^ root_7;
      do {
        state = fold(load(at) ^ root_3, load(at + 8) ^ state);
        other = fold(load(at + 16) ^ root_5, load(at + 24) ^ other);
        at += 32;
        left -= 32;
      } while (left > 32);
      state ^= fold(other, root_5);
    }
    for (; left > 16; left -= 16) {
      state = fold(load(at) ^ root_3, load(at + 8) ^ state);
      at += 16;
    }
    // The last 16 bytes of the whole, overlapping what came before; or, below 16, its two ends.
    const unsigned char *end = (const unsigned char *)bytes + count;
    first = load(count >= 16 ? end - 16 : bytes);
    last = load(end - 8);
  } else if (count >= 4) {
    first = load_half(at);
    last = load_half(at + count - 4);
  } else if (count > 0) {
    first = (uint64_t)at[0] << 16 | (uint64_t)at[count / 2] << 8 | at[count - 1];
  }
  state = fold(first ^ root_3, last ^ state);
  return fold(state ^ root_5, (uint64_t)count ^ root_7);
}
