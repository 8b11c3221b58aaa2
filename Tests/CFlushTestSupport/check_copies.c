// Copies against memcpy: every alignment, guard bytes on both sides.
#include <stdio.h>

#include "support.h"

enum { guard_size = 128 };

static const char *compare(cft_copy copy, const unsigned char *destination,
                           const unsigned char *source, size_t count, const char *what) {
  static const unsigned char *expected_guard;
  static unsigned char guard[guard_size];
  if (expected_guard == NULL) {
    memset(guard, guard_byte, sizeof guard);
    expected_guard = guard;
  }
  if (memcmp(destination - guard_size, guard, guard_size) != 0) {
    return failure("%s: a byte before the destination changed", what);
  }
  if (memcmp(destination + count, guard, guard_size) != 0) {
    return failure("%s: a byte behind the destination changed", what);
  }
  if (copy == CFT_FILL) {
    for (size_t i = 0; i < count; i += 1) {
      if (destination[i] != fill_byte) return failure("%s: byte %zu differs", what, i);
    }
  } else if (count > 0 && memcmp(destination, source, count) != 0) {
    return failure("%s: the bytes differ", what);
  }
  return NULL;
}

static const char *check(const fl_core *core, cft_copy copy, const size_t *lengths,
                         size_t length_count, size_t source_offsets, size_t destination_step) {
  const size_t longest = lengths[length_count - 1];
  unsigned char *const destination = line_aligned(longest + 2 * guard_size + FL_LINE_SIZE);
  unsigned char *const source = line_aligned(longest + FL_LINE_SIZE);
  fill_random(source, longest + FL_LINE_SIZE, longest);
  const char *message = NULL;
  for (size_t i = 0; i < length_count && message == NULL; i += 1) {
    const size_t count = lengths[i];
    for (size_t to = 0; to < FL_LINE_SIZE && message == NULL; to += destination_step) {
      for (size_t from = 0; from < source_offsets && message == NULL; from += 1) {
        unsigned char *const d = destination + guard_size + to;
        memset(d - guard_size, guard_byte, count + 2 * guard_size);
        do_copy(core, copy, d, source + from, count);
        fl_fence(core);
        char what[96];
        if (compare(copy, d, source + from, count, "") != NULL) {
          snprintf(what, sizeof what, "to %zu, from %zu, %zu bytes", to, from, count);
          message = compare(copy, d, source + from, count, what);
        }
      }
    }
  }
  free(destination);
  free(source);
  return message;
}

const char *cft_check_short_copies(const fl_core *core, cft_copy copy) {
  size_t lengths[321];
  for (size_t i = 0; i <= 320; i += 1) lengths[i] = i;
  // A guarded copy is a system call; a fill has no source.
  const bool slow = copy == CFT_COPY_UNSAFE;
  return check(core, copy, lengths, 321, copy == CFT_FILL || slow ? 1 : 8, slow ? 9 : 1);
}

const char *cft_check_long_copies(const fl_core *core, cft_copy copy) {
  static const size_t lengths[] = {1000,  1023,  1024,  1025,  2047,  4032,  4095,   4096,
                                   4097,  4160,  8191,  16383, 16384, 16448, 65535,  65536,
                                   65537, 65600, 70001, 131072 + 13, 300000};
  return check(core, copy, lengths, sizeof lengths / sizeof *lengths, 2, 21);
}

const char *cft_check_gathering(const fl_core *core, uint64_t seed, int rounds) {
  enum { pool = 1 << 16, most = 9 };
  unsigned char *const source = line_aligned(pool);
  unsigned char *const flat = line_aligned(pool * most);
  unsigned char *const destination = line_aligned(pool * most + 512);
  fill_random(source, pool, seed);
  const char *message = NULL;
  for (int round = 0; round < rounds && message == NULL; round += 1) {
    fl_slice slices[most];
    const size_t slice_count = random_below(&seed, most + 1);
    size_t total = 0;
    for (size_t i = 0; i < slice_count; i += 1) {
      static const size_t bounds[] = {1, 9, 70, 300, 5000, 20000};
      const size_t length = random_below(&seed, bounds[random_below(&seed, 6)]);
      const size_t start = random_below(&seed, pool - length);
      slices[i] = (fl_slice){length == 0 ? NULL : source + start, length};
      memcpy(flat + total, source + start, length);
      total += length;
    }
    const size_t offset = random_below(&seed, 4) == 0 ? random_below(&seed, total + 10) : 0;
    const size_t there = offset < total ? total - offset : 0;
    const size_t count = random_below(&seed, 3) == 0 ? random_below(&seed, total + 10) : there;
    const size_t expected = count < there ? count : there;
    unsigned char *const d = destination + guard_size + random_below(&seed, FL_LINE_SIZE);
    memset(d - guard_size, guard_byte, expected + 2 * guard_size);
    const size_t copied = fl_copyv_flushcache(core, d, slices, slice_count, offset, count);
    fl_fence(core);
    if (copied != expected) {
      message = failure("round %d: %zu bytes instead of %zu", round, copied, expected);
    } else {
      char what[32];
      snprintf(what, sizeof what, "round %d", round);
      message = compare(CFT_COPY_GATHERED, d, flat + offset, expected, what);
    }
  }
  free(source);
  free(flat);
  free(destination);
  return message;
}

const char *cft_check_page_bounds(const fl_core *core) {
  unsigned char *const page = line_aligned(4096 + 64);
  unsigned char *const destination = line_aligned(4096 + 2 * guard_size);
  fill_random(page, 4096, 1);
  static const size_t places[] = {0, 1, 63, 64, 4000, 4095, 4096, 4097, 100000, SIZE_MAX};
  const char *message = NULL;
  for (size_t i = 0; i < 10 && message == NULL; i += 1) {
    for (size_t k = 0; k < 10 && message == NULL; k += 1) {
      const size_t offset = places[i], count = places[k];
      const size_t there = offset < 4096 ? 4096 - offset : 0;
      const size_t expected = count < there ? count : there;
      unsigned char *const d = destination + guard_size;
      memset(d - guard_size, guard_byte, 4096 + 2 * guard_size);
      if (fl_copy_page_flushcache(core, d, page, offset, count) != expected) {
        message = failure("offset %zu, count %zu: not %zu bytes", offset, count, expected);
      } else {
        const unsigned char *const from = page + (expected > 0 ? offset : 0);
        message = compare(CFT_COPY_FLUSHED, d, from, expected, "page");
      }
    }
  }
  free(page);
  free(destination);
  return message;
}
