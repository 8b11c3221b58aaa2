/*
 * sizes.c - see sizes.h.
 *
 * A block is some copies of one size, by one way, to neighbouring lines that are in no cache, each
 * with a fence. All ways take turns, each turn in another order, until the time for the size is over;
 * what counts is the median of a way's blocks.
 */
#include "sizes.h"
#include "bare.h"
#include "output.h"
#include "size_floor.h"

#include <CFlush.h>
#include <libpmem.h>
#include <stdio.h>
#include <stdlib.h>

static const size_t sizes[] = {
    8,       16,       32,       64,      100,     116,     128,     192,      256,
    512,     1 << 10,  4 << 10,  16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20,
    64 << 20};

/* Where a copy begins in its first line: a packed append begins anywhere. */
static const size_t offsets[] = {0, 8};

enum {
  LONGEST = 64 << 20,
  MOST_IN_BLOCK = 256,
  BLOCK_LENGTH = 256 << 10,  /* of more bytes a block has one copy */
  FEWEST_BLOCKS = 5,
  MOST_BLOCKS = 501,
  MOST_WAYS = 16
};

struct way {
  char name[32];
  const struct size_idiom *idiom;  /* or one of these two */
  const fl_core *core;
  bool strict;
  double blocks[MOST_BLOCKS];      /* ticks for a copy */
};

static inline __attribute__((always_inline)) void copy(const struct way *way, uint8_t *to,
                                                       const uint8_t *from, size_t size) {
  if (way->idiom != NULL) {
    way->idiom->copy(to, from, size, way->strict);
  } else if (way->core != NULL) {
    fl_copy_flushcache(way->core, to, from, size);
    fl_fence(way->core);
  } else {
    pmem_memcpy_persist(to, from, size);
  }
}

struct place {
  uint8_t *memory;
  const struct data *data;
  size_t size, offset;
};

static double time_block(const struct place *place, const struct way *way, size_t count) {
  const size_t distance = bare_lines(place->offset + place->size) * LINE;
  const uint8_t *sources[MOST_IN_BLOCK];
  for (size_t i = 0; i < count; i++) sources[i] = bare_source(place->data, i);
  uint8_t *to = place->memory + place->offset;
  const uint64_t start = clock_after_stores();
  for (size_t i = 0; i < count; i++, to += distance) copy(way, to, sources[i], place->size);
  const uint64_t end = clock_after_stores();
  bare_evict(place->memory, count * distance);
  return (double)(end - start) / (double)count;
}

static int compare(const void *left, const void *right) {
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static void time_size(const struct place *place, struct way *ways, size_t way_count,
                      uint64_t time_limit) {
  const size_t distance = bare_lines(place->offset + place->size) * LINE;
  const size_t fitting = BLOCK_LENGTH / distance;
  const size_t count = fitting > MOST_IN_BLOCK ? MOST_IN_BLOCK : fitting > 0 ? fitting : 1;
  const uint64_t start = clock_nanoseconds();
  size_t done = 0;
  while (done < MOST_BLOCKS &&
         (done < FEWEST_BLOCKS || clock_nanoseconds() - start < time_limit)) {
    for (size_t i = 0; i < way_count; i++) {
      struct way *way = &ways[(i + done) % way_count];
      way->blocks[done] = time_block(place, way, count);
    }
    done++;
  }
  for (size_t i = 0; i < way_count; i++) {
    qsort(ways[i].blocks, done, sizeof *ways[i].blocks, compare);
    output_copy(place->size, place->offset, ways[i].name,
                ways[i].blocks[done / 2] / clock_ticks_per_second() * 1e9);
  }
}

static size_t list_ways(struct way *ways) {
  const struct size_idiom *idioms;
  const size_t idiom_count = size_idioms(&idioms);
  size_t count = 0;
  ways[count++] = (struct way){.name = "core-strict", .core = fl_core_select(FL_POLICY_STRICT)};
  ways[count++] = (struct way){.name = "core-trusting", .core = fl_core_select(FL_POLICY_TRUSTING)};
  ways[count++] = (struct way){.name = "pmem"};
  for (size_t i = 0; i < idiom_count; i++) {
    for (int strict = 0; strict <= 1; strict++) {
      if (idioms[i].only_strict && !strict) continue;
      struct way *way = &ways[count++];
      *way = (struct way){.idiom = &idioms[i], .strict = strict};
      const bool is_beyond = !strict && idioms[i].trusts_parts;
      const char *policy = is_beyond ? "" : strict ? "strict-" : "trusting-";
      snprintf(way->name, sizeof way->name, "%s%s", policy, idioms[i].name);
    }
  }
  return idiom_count == 0 ? 0 : count;
}

void run_size_comparison(const struct plan *plan) {
  struct way *ways = data_allocate(MOST_WAYS * sizeof *ways);
  const size_t way_count = list_ways(ways);
  if (way_count == 0) {
    output_fact("sizes", "not measured: there is no floor for this architecture yet");
    return;
  }
  struct data data;
  data_create(&data, LONGEST, 1, plan->seed);
  const size_t length = LONGEST + LINE;
  struct place place = {.memory = bare_map(plan, length), .data = &data};
  const size_t size_count = sizeof sizes / sizeof *sizes;
  const uint64_t time_limit = (uint64_t)(plan->seconds * 1e9 / (double)size_count);
  for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
    for (size_t j = 0; j < size_count; j++) {
      place.offset = offsets[i];
      place.size = sizes[j];
      time_size(&place, ways, way_count, time_limit);
    }
  }
  bare_unmap(place.memory, length);
}
