// What the checks share: messages, pseudo-random numbers, buffers.
#ifndef SUPPORT_H
#define SUPPORT_H

#include <stdlib.h>
#include <string.h>

#include "CFlushTestSupport.h"

const char *failure(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// A small seeded generator (xorshift-multiply); good enough to vary inputs.
static inline uint64_t next_random(uint64_t *state) {
  *state += 0x9e3779b97f4a7c15;
  uint64_t value = *state;
  value = (value ^ value >> 32) * 0xd6e8feb86659fd93;
  value = (value ^ value >> 32) * 0xd6e8feb86659fd93;
  return value ^ value >> 32;
}

static inline size_t random_below(uint64_t *state, size_t bound) {
  return (size_t)(next_random(state) % bound);
}

void fill_random(unsigned char *bytes, size_t count, uint64_t seed);

/// `count` bytes that start on a line; never NULL.
unsigned char *line_aligned(size_t count);

/// The one copy that a check drives; `source` is ignored by a fill, which stores 0x5a.
void do_copy(const fl_core *core, cft_copy copy, unsigned char *destination,
             const unsigned char *source, size_t count);

enum { fill_byte = 0x5a, guard_byte = 0xee };

typedef struct record {
  unsigned char header[128];
  fl_append_parts parts;
} record;

#endif
