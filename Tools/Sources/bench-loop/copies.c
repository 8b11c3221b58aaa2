/*
 * copies.c - the copy core beside libpmem's copies: the same keys and values to the same kind of
 * lines as the floor's, without any store.
 *
 * Packed: keys and values one after the other, a fence every 100 of them. The copy core gathers all
 * of them in one call. libpmem can't gather; of its idioms each of these is somewhere the best:
 *   packed-pmem-drain   each piece with PMEM_F_MEM_NODRAIN, one pmem_drain
 *   packed-pmem-range   each piece with PMEM_F_MEM_NOFLUSH, one pmem_persist over all
 *   packed-pmem-staged  each piece to a buffer in DRAM, one pmem_memcpy_persist of that
 *   packed-pmem-each    pmem_memcpy_persist for each piece, its plain idiom
 * Fenced: each key and value on lines of its own, and a fence.
 */
#include "bare.h"
#include "loop.h"
#include "output.h"
#include "sizes.h"

#include <CFlush.h>
#include <libpmem.h>

enum { MOST_COPIES = 200000, FENCED_EVERY = 100 };

struct copies {
  const fl_core *core;
  uint8_t *destination;
  uint8_t *stage;
  const fl_slice *slices;  /* a key and a value for each operation */
  size_t length;           /* of the two together */
  size_t distance;         /* from one fenced copy to the next */
};

static uint8_t *group(const struct copies *copies, uint64_t index) {
  return copies->destination + index * FENCED_EVERY * copies->length;
}

static const fl_slice *slices_of(const struct copies *copies, uint64_t index) {
  return copies->slices + index * FENCED_EVERY * 2;
}

static void core_step(void *context, uint64_t index) {
  const struct copies *copies = context;
  fl_copyv_flushcache(copies->core, group(copies, index), slices_of(copies, index),
                      FENCED_EVERY * 2, 0, FENCED_EVERY * copies->length);
  fl_fence(copies->core);
}

/* Copies the pieces of a group one after the other. */
static inline void copy_pieces(const struct copies *copies, uint8_t *to, uint64_t index,
                               unsigned flags) {
  const fl_slice *slice = slices_of(copies, index);
  for (int i = 0; i < FENCED_EVERY * 2; i++) {
    pmem_memcpy(to, slice[i].base, slice[i].length, flags);
    to += slice[i].length;
  }
}

static void drain_step(void *context, uint64_t index) {
  copy_pieces(context, group(context, index), index, PMEM_F_MEM_NODRAIN);
  pmem_drain();
}

static void range_step(void *context, uint64_t index) {
  const struct copies *copies = context;
  copy_pieces(copies, group(copies, index), index, PMEM_F_MEM_NOFLUSH | PMEM_F_MEM_NODRAIN);
  pmem_persist(group(copies, index), FENCED_EVERY * copies->length);
}

static void staged_step(void *context, uint64_t index) {
  const struct copies *copies = context;
  const fl_slice *slice = slices_of(copies, index);
  uint8_t *to = copies->stage;
  for (int i = 0; i < FENCED_EVERY * 2; i++) {
    memcpy(to, slice[i].base, slice[i].length);
    to += slice[i].length;
  }
  pmem_memcpy_persist(group(copies, index), copies->stage, FENCED_EVERY * copies->length);
}

static void each_step(void *context, uint64_t index) {
  copy_pieces(context, group(context, index), index, 0);
}

static void fenced_core_step(void *context, uint64_t index) {
  const struct copies *copies = context;
  const fl_slice *value = &copies->slices[index * 2 + 1];
  fl_copy_flushcache(copies->core, copies->destination + index * copies->distance, value->base,
                     copies->length);
  fl_fence(copies->core);
}

static void fenced_pmem_step(void *context, uint64_t index) {
  const struct copies *copies = context;
  const fl_slice *value = &copies->slices[index * 2 + 1];
  pmem_memcpy_persist(copies->destination + index * copies->distance, value->base, copies->length);
}

struct idiom {
  const char *name;
  void (*step)(void *context, uint64_t index);
  uint64_t per_step;
  const fl_core *core;
};

/* A thread's part of the work. */
struct part {
  struct copies copies;
  void (*step)(void *context, uint64_t index);
};

static struct output_result loop_over_copies(const struct loop *loop, void *opaque) {
  struct part *part = opaque;
  return run_loop(loop, part->step, &part->copies);
}

/* On fresh lines each time, and each thread on lines of its own. */
static void run_copies(const struct plan *plan, const struct copies *copies,
                       const struct idiom *idiom, uint64_t count, uint32_t *samples) {
  struct part parts[MOST_THREADS];
  const uint64_t steps = count / plan->threads / idiom->per_step;
  const uint64_t part = steps * idiom->per_step;
  const size_t size = plan->threads * part * copies->distance;
  if (steps == 0) return;
  uint8_t *const destination = bare_map(plan, size);
  for (unsigned i = 0; i < plan->threads; i++) {
    parts[i] = (struct part){*copies, idiom->step};
    parts[i].copies.core = idiom->core;
    parts[i].copies.destination = destination + i * part * copies->distance;
    parts[i].copies.slices += i * part * 2;
    parts[i].copies.stage += i * FENCED_EVERY * copies->length;
  }
  const struct loop loop = {.samples = samples,
                            .count = steps * plan->threads,
                            .time_limit = (uint64_t)(plan->seconds * clock_ticks_per_second()),
                            .stores = true};
  struct output_result result = bare_run(plan, loop_over_copies, loop, parts, sizeof *parts);
  result.operations *= idiom->per_step;
  result.plain_operations *= idiom->per_step;
  output_result(idiom->name, &result);
  bare_unmap(destination, size);
}

void run_copy_comparison(const struct plan *plan) {
  const size_t length = KEY_LENGTH + plan->setup.value_length;
  const uint64_t count = bare_count(plan, MOST_COPIES, bare_lines(length) * LINE);
  uint32_t *samples = data_allocate(count * sizeof *samples);
  struct operation *operations = data_allocate(count * sizeof *operations);
  fl_slice *slices = data_allocate(count * 2 * sizeof *slices);
  struct data data;
  /* A fenced copy takes key and value from one place. */
  data_create(&data, length, 1, plan->seed);
  for (uint64_t i = 0; i < count; i++) {
    data_prepare_extra(&data, &operations[i], i);
    slices[2 * i] = (fl_slice){operations[i].key, KEY_LENGTH};
    slices[2 * i + 1] = (fl_slice){operations[i].value, plan->setup.value_length};
  }
  const fl_core *const strict = fl_core_select(FL_POLICY_STRICT);
  const fl_core *const trusting = fl_core_select(FL_POLICY_TRUSTING);
  const struct copies copies = {.stage = data_allocate(plan->threads * FENCED_EVERY * length),
                                .slices = slices,
                                .length = length,
                                .distance = bare_lines(length) * LINE};
  if (strict == NULL || trusting == NULL)
    fail("the copy core that the environment asks for is not to be had");
  output_fact("copy-core", "%s, %s, strict", fl_core_copy_name(strict),
              fl_core_flush_name(strict));
  output_fact("libpmem", "%d.%d; pieces from 256 bytes on are streamed and not written back",
              PMEM_MAJOR_VERSION, PMEM_MINOR_VERSION);
  const struct idiom list[] = {
      {"packed-core", core_step, FENCED_EVERY, strict},
      {"packed-pmem-drain", drain_step, FENCED_EVERY, NULL},
      {"packed-pmem-range", range_step, FENCED_EVERY, NULL},
      {"packed-pmem-staged", staged_step, FENCED_EVERY, NULL},
      {"packed-pmem-each", each_step, FENCED_EVERY, NULL},
      {"fenced-core", fenced_core_step, 1, strict},
      {"fenced-core-trusting", fenced_core_step, 1, trusting},
      {"fenced-pmem", fenced_pmem_step, 1, NULL},
  };
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    run_copies(plan, &copies, &list[i], count, samples);
  if (plan->sizes) run_size_comparison(plan);
}
