/*
 * floor.c - what this machine asks for the same work without any store: nothing that keeps its
 * promises can be faster. This file, and those it calls, use nothing of Fenceline's.
 *
 * Stores. Every operation copies a key and a value to lines that were never used before, then
 * fences. Whole lines are written (a part of one would be slower). The destination is a mapping of a
 * file in the directory under test; its pages are faulted in and its lines are out of every cache
 * before the clock starts: a line in the first-level cache would make a non-temporal store look
 * free. `trusting` is non-temporal stores and a fence, `strict` adds a write-back of each line. The
 * `record-` forms write the lines of Fenceline's record of that key and value, header included.
 */
#include "floor.h"
#include "bare.h"
#include "output.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

enum write_back { CLWB, CLFLUSHOPT, CLFLUSH };

static enum write_back best_write_back(void) {
  unsigned a, b = 0, c, d;
  __get_cpuid_count(7, 0, &a, &b, &c, &d);
  return b & bit_CLWB ? CLWB : b & bit_CLFLUSHOPT ? CLFLUSHOPT : CLFLUSH;
}

static inline void copy_line(uint8_t *destination, const uint8_t *from) {
  __m128i *to = (__m128i *)destination;
  for (int i = 0; i < LINE / 16; i++)
    _mm_stream_si128(to + i, _mm_loadu_si128((const __m128i *)from + i));
}

/* One function for each write-back, so that it is inlined: a call for each line is not a floor. */
#define STORE_OPERATION(name, attributes, write_back)                                         \
  attributes static void name(uint8_t *destination, const uint8_t *from, size_t lines) {      \
    for (size_t i = 0; i < lines; i++) {                                                      \
      copy_line(destination + i * LINE, from + i * LINE);                                     \
      write_back(destination + i * LINE);                                                     \
    }                                                                                         \
    _mm_sfence();                                                                             \
  }
#define NO_WRITE_BACK(line) ((void)(line))

STORE_OPERATION(store_trusting, , NO_WRITE_BACK)
STORE_OPERATION(store_clwb, __attribute__((target("clwb"))), _mm_clwb)
STORE_OPERATION(store_clflushopt, __attribute__((target("clflushopt"))), _mm_clflushopt)
STORE_OPERATION(store_clflush, , _mm_clflush)

typedef void (*store_function)(uint8_t *destination, const uint8_t *from, size_t lines);

struct stores {
  store_function store;
  uint8_t *destination;
  const uint8_t **sources;
  size_t lines;
};

static void store_step(void *context, uint64_t index) {
  const struct stores *stores = context;
  stores->store(stores->destination + index * stores->lines * LINE, stores->sources[index],
                stores->lines);
}

static struct output_result loop_over_stores(const struct loop *loop, void *stores) {
  return run_loop(loop, store_step, stores);
}

static void run_stores(const struct plan *plan, const struct data *data, const char *workload,
                       store_function store, size_t length, uint32_t *samples, uint64_t count) {
  const size_t lines = bare_lines(length), size = count * lines * LINE;
  uint8_t *destination = bare_map(plan, size);
  const uint8_t **sources = data_allocate(count * sizeof *sources);
  for (uint64_t i = 0; i < count; i++) sources[i] = bare_source(data, i);
  struct stores stores[MOST_THREADS];
  const uint64_t part = count / plan->threads;
  for (unsigned i = 0; i < plan->threads; i++)
    stores[i] = (struct stores){store, destination + i * part * lines * LINE, sources + i * part,
                                lines};
  const struct loop loop = {.samples = samples,
                            .count = count,
                            .time_limit = (uint64_t)(plan->seconds * clock_ticks_per_second()),
                            .stores = true};
  const struct output_result result =
      bare_run(plan, loop_over_stores, loop, stores, sizeof *stores);
  output_result(workload, &result);
  bare_unmap(destination, size);
  free(sources);
}

static void run_memory_floor(const struct plan *plan, const struct data *data, uint32_t *samples,
                             uint64_t count) {
  static const char *const names[] = {"clwb", "clflushopt", "clflush"};
  static const store_function functions[] = {store_clwb, store_clflushopt, store_clflush};
  const enum write_back write_back = best_write_back();
  const store_function strict = functions[write_back];
  const size_t bytes = KEY_LENGTH + plan->setup.value_length, record = bytes + RECORD_HEADER;
  output_fact("write-back", "%s", names[write_back]);
  output_fact("lines", "%zu", bare_lines(bytes));
  output_fact("record-lines", "%zu", bare_lines(record));
  run_stores(plan, data, "store-strict", strict, bytes, samples, count);
  run_stores(plan, data, "store-trusting", store_trusting, bytes, samples, count);
  run_stores(plan, data, "record-strict", strict, record, samples, count);
  run_stores(plan, data, "record-trusting", store_trusting, record, samples, count);
}

#else

static void run_memory_floor(const struct plan *plan, const struct data *data, uint32_t *samples,
                             uint64_t count) {
  (void)plan, (void)data, (void)samples, (void)count;
  output_fact("stores", "not measured: there is no floor for this architecture yet");
}

#endif

/* Enough for p99.9. */
enum { MOST_STORES = 200000, MOST_READS = 1000000 };

void run_floor(const struct plan *plan) {
  const size_t longest = bare_lines(KEY_LENGTH + plan->setup.value_length + RECORD_HEADER) * LINE;
  const uint64_t stores = bare_count(plan, MOST_STORES, longest);
  const uint64_t reads = plan->count < MOST_READS ? plan->count : MOST_READS;
  uint32_t *samples = data_allocate((stores > reads ? stores : reads) * sizeof *samples);
  struct data data;
  /* A source is as long as the longest write, rounded up to lines. */
  data_create(&data, longest, 1, plan->seed);
  if (plan->setup.byte_addressable)
    run_memory_floor(plan, &data, samples, stores);
  else
    floor_disk(plan, &data, samples, stores);
  floor_reads(plan, samples, reads);
  if (plan->setup.byte_addressable) floor_streams(plan);
}
