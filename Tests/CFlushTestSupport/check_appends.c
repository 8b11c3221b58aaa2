// fl_append against a composition by hand, with the bitwise checksum.
#include "support.h"

enum { largest = 300000, guard_size = 128 };

typedef struct buffers {
  unsigned char *destination, *expected, *source;
} buffers;

static const char *check_one(const fl_core *core, fl_append_mode mode, const buffers *b, size_t to,
                             size_t header_length, size_t key_length, size_t value_length,
                             size_t trailer_length, uint32_t seed) {
  unsigned char header[128], composed[128];
  fill_random(header, sizeof header, seed);
  memcpy(composed, header, sizeof header);
  const unsigned char *key = b->source + 5, *value = b->source + 3, *trailer = b->source + 9;

  uint32_t crc = cft_bitwise_crc(seed, key, key_length);
  crc = cft_bitwise_crc(crc, value, value_length);
  crc = cft_bitwise_crc(crc, composed + 4, header_length - 4);
  for (int i = 0; i < 4; i += 1) composed[i] = (unsigned char)(crc >> 8 * i);
  unsigned char *at = b->expected;
  memset(at, guard_byte, guard_size);
  memcpy(at += guard_size, composed, header_length);
  memcpy(at += header_length, key, key_length);
  memcpy(at += key_length, value, value_length);
  memcpy(at += value_length, trailer, trailer_length);
  memset(at += trailer_length, guard_byte, guard_size);
  const size_t checked = (size_t)(at - b->expected) + guard_size;

  unsigned char *const d = b->destination + guard_size + to;
  memset(d - guard_size, guard_byte, checked);
  const fl_append_parts parts = {
      .header = header,
      .header_length = header_length,
      .key = {key_length == 0 ? NULL : key, key_length},
      .value = {value_length == 0 ? NULL : value, value_length},
      .trailer = {trailer_length == 0 ? NULL : trailer, trailer_length},
  };
  const uint32_t returned = fl_append(core, d, &parts, seed, mode);
  fl_fence(core);
  if (returned != crc || memcmp(d - guard_size, b->expected, checked) != 0) {
    return failure("to %zu, header %zu, key %zu, value %zu, trailer %zu: %s", to, header_length,
                   key_length, value_length, trailer_length,
                   returned != crc ? "checksum differs" : "bytes differ");
  }
  if (memcmp(header, composed, sizeof header) != 0) return failure("the header differs");
  return NULL;
}

static buffers make_buffers(void) {
  const buffers b = {line_aligned(largest), line_aligned(largest), line_aligned(largest)};
  fill_random(b.source, largest, 17);
  return b;
}

static void free_buffers(buffers b) {
  free(b.destination);
  free(b.expected);
  free(b.source);
}

const char *cft_check_short_appends(const fl_core *core, fl_append_mode mode) {
  static const size_t headers[] = {4, 5, 20, 24, 28, 63, 64, 65, 128};
  static const size_t keys[] = {0, 1, 7, 16, 33};
  static const size_t values[] = {0, 1, 3, 4, 8, 15, 16, 17, 31, 100, 129, 200, 460};
  const buffers b = make_buffers();
  const char *message = NULL;
  for (size_t to = 0; to < FL_LINE_SIZE; to += 1) {
    for (size_t h = 0; h < 9; h += 1) {
      for (size_t k = 0; k < 5; k += 1) {
        for (size_t v = 0; v < 13 && message == NULL; v += 1) {
          // As a durable caller does it: up to the line's end. Otherwise no trailer.
          const size_t length = headers[h] + keys[k] + values[v];
          const size_t trailer = (to + v) % 2 == 0 ? 0 : (64 - (to + length) % 64) % 64;
          message = check_one(core, mode, &b, to, headers[h], keys[k], values[v], trailer,
                              (uint32_t)(to * 31 + v));
        }
      }
    }
  }
  free_buffers(b);
  return message;
}

const char *cft_check_random_appends(const fl_core *core, fl_append_mode mode, uint64_t seed,
                                     int rounds) {
  static const size_t bounds[] = {10, 300, 3000, 5000, 66000, 150000};
  const buffers b = make_buffers();
  const char *message = NULL;
  for (int round = 0; round < rounds && message == NULL; round += 1) {
    const size_t to = random_below(&seed, 128), header = 4 + random_below(&seed, 125);
    const size_t key = random_below(&seed, bounds[random_below(&seed, 5)]);
    const size_t value = random_below(&seed, bounds[random_below(&seed, 6)]);
    message = check_one(core, mode, &b, to, header, key, value, random_below(&seed, 100),
                        (uint32_t)next_random(&seed));
  }
  free_buffers(b);
  return message;
}
