// CRC32C against the definition, and the hash's statistics.
#include "../../Sources/CFlush/crc32c.h"
#include "support.h"

uint32_t cft_bitwise_crc(uint32_t crc, const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  crc = ~crc;
  for (size_t i = 0; i < count; i += 1) {
    crc ^= at[i];
    for (int bit = 0; bit < 8; bit += 1) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

bool cft_has_crc(const char *name) { return fl_crc_offered(name); }

static uint32_t run(fl_crc_function *function, uint32_t crc, const unsigned char *bytes,
                    size_t count) {
  return ~function(~crc, bytes, count);
}

const char *cft_check_crc(const char *name, uint64_t seed) {
  const fl_crc *const implementation = fl_crc_named(name);
  if (implementation == NULL) return failure("rejected by its own check");
  fl_crc_function *const function = implementation->add;
  enum { most = 300000 };
  unsigned char *const bytes = line_aligned(most + 64);
  fill_random(bytes, most + 64, seed);
  const char *message = NULL;
  for (size_t from = 0; from < 64 && message == NULL; from += 7) {
    // The reference goes along byte by byte, for all lengths at once.
    uint32_t reference = 0x12345678;
    for (size_t count = 0; count <= 1100 && message == NULL; count += 1) {
      // An exact allocation, so that the address sanitizer sees a load beyond the end.
      unsigned char *const exact = malloc(count > 0 ? count : 1);
      if (exact == NULL) abort();
      memcpy(exact, bytes + from, count);
      if (run(function, 0x12345678, bytes + from, count) != reference ||
          run(function, 0x12345678, exact, count) != reference) {
        message = failure("%zu bytes at offset %zu", count, from);
      }
      free(exact);
      reference = cft_bitwise_crc(reference, bytes + from + count, 1);
    }
  }
  for (int round = 0; round < 60 && message == NULL; round += 1) {
    const size_t from = random_below(&seed, 64);
    const size_t count = random_below(&seed, round < 50 ? 9000 : most);
    const uint32_t crc = (uint32_t)next_random(&seed);
    if (run(function, crc, bytes + from, count) != cft_bitwise_crc(crc, bytes + from, count)) {
      message = failure("%zu bytes at offset %zu", count, from);
    }
  }
  free(bytes);
  return message;
}

const char *cft_check_crc_chaining(const char *name, uint64_t seed) {
  const fl_crc *const implementation = fl_crc_named(name);
  if (implementation == NULL) return failure("rejected by its own check");
  fl_crc_function *const function = implementation->add;
  unsigned char bytes[5000];
  fill_random(bytes, sizeof bytes, seed);
  const uint32_t whole = cft_bitwise_crc(0, bytes, sizeof bytes);
  for (size_t cut = 0; cut <= sizeof bytes; cut += 1) {
    const uint32_t first = run(function, 0, bytes, cut);
    if (run(function, first, bytes + cut, sizeof bytes - cut) != whole) {
      return failure("cut at %zu", cut);
    }
  }
  return NULL;
}

const char *cft_check_hash_avalanche(size_t length) {
  enum { trials = 2000, most = 512 };
  unsigned char bytes[most];
  uint64_t seed = length;
  // A few hundred input bits are looked at; each of them against all 64 output bits.
  const size_t bits = length * 8, step = bits > 128 ? bits / 128 + 1 : 1;
  for (size_t bit = 0; bit < bits; bit += step) {
    int changed[64] = {0};
    for (int trial = 0; trial < trials; trial += 1) {
      fill_random(bytes, length, next_random(&seed));
      // A seed for each trial, since there are only 256 inputs of one byte.
      const uint64_t hash_seed = next_random(&seed);
      const uint64_t before = fl_hash64(bytes, length, hash_seed);
      bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
      const uint64_t difference = before ^ fl_hash64(bytes, length, hash_seed);
      for (int i = 0; i < 64; i += 1) changed[i] += (int)(difference >> i & 1);
    }
    for (int i = 0; i < 64; i += 1) {
      // Six standard deviations of a fair coin: 1000 +- 134.
      if (changed[i] < 866 || changed[i] > 1134) {
        return failure("input bit %zu flips output bit %d in %d of %d", bit, i, changed[i], trials);
      }
    }
  }
  return NULL;
}

static int compare_hashes(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y ? 1 : 0;
}

const char *cft_check_hash_collisions(size_t length, uint32_t count) {
  uint64_t *const hashes = calloc(count, sizeof *hashes);
  enum { bucket_bits = 12, buckets = 1 << bucket_bits };
  static const int shifts[] = {0, 20, 64 - bucket_bits};
  unsigned(*const crowd)[buckets] = calloc(3, sizeof *crowd);
  if (hashes == NULL || crowd == NULL) abort();
  unsigned char key[256];
  memset(key, '0', sizeof key);
  for (uint32_t i = 0; i < count; i += 1) {
    // The number in binary in front, in decimal at the end where there is room.
    memcpy(key, &i, length < 4 ? length : 4);
    uint32_t digits = i;
    for (size_t at = length; at > 4 && digits > 0; at -= 1) {
      key[at - 1] = (unsigned char)('0' + digits % 10);
      digits /= 10;
    }
    hashes[i] = fl_hash64(key, length, 42);
    for (int k = 0; k < 3; k += 1) crowd[k][hashes[i] >> shifts[k] & (buckets - 1)] += 1;
  }
  const char *message = NULL;
  for (int k = 0; k < 3 && message == NULL; k += 1) {
    // Chi-squared with 4095 degrees of freedom: 4095 +- 90; six deviations away is no chance.
    const double expected = (double)count / buckets;
    double sum = 0;
    for (int i = 0; i < buckets; i += 1) {
      sum += ((double)crowd[k][i] - expected) * ((double)crowd[k][i] - expected) / expected;
    }
    if (sum > 4640) message = failure("bits from %d: chi-squared %.0f", shifts[k], sum);
  }
  qsort(hashes, count, sizeof *hashes, compare_hashes);
  for (uint32_t i = 1; i < count && message == NULL; i += 1) {
    if (hashes[i] == hashes[i - 1]) message = failure("two keys have the same hash");
  }
  free(hashes);
  free(crowd);
  return message;
}
