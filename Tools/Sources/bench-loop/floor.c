/*
 * floor.c - what this machine asks for the same work without any store: nothing that keeps its
 * promises can be faster.
 *
 * Stores. Every operation copies a key and a value to lines that were never used before, then
 * fences. Whole lines are written (a part of one would be slower). The destination is a mapping of a
 * file in the directory under test; its pages are faulted in and its lines are out of every cache
 * before the clock starts: a line in the first-level cache would make a non-temporal store look
 * free. `trusting` is non-temporal stores and a fence, `strict` adds a write-back of each line. The
 * `record-` forms write the lines of Fenceline's record of that key and value, header included.
 *
 * Disk. A durable write can't be cheaper than writing the same bytes into a file whose blocks are
 * there already, and one fdatasync.
 *
 * Reads. A read of a random place costs at least one load that misses caches and TLB: each load's
 * address comes from the one before.
 *
 * This file uses nothing of Fenceline's.
 */
#include "data.h"
#include "loop.h"
#include "output.h"
#include "workloads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
  LINE = 64,
  RECORD_HEADER = 20,       /* of Fenceline's format, for the `record-` forms */
  MOST_STORES = 200000,     /* enough for p99.9, and it bounds the mapping */
  MOST_READS = 1000000,
};

static size_t lines_of(size_t length) { return (length + LINE - 1) / LINE; }

static int open_scratch_file(const struct plan *plan, size_t length) {
  char path[4096];
  snprintf(path, sizeof path, "%s/floor", plan->setup.directory);
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) fail("%s: %s", path, strerror(errno));
  unlink(path);
  int error = posix_fallocate(file, 0, (off_t)length);
  if (error != 0) fail("%s: %s", path, strerror(error));
  return file;
}

/* Random sources, as long as the longest write, that fit a second-level cache. */
static const uint8_t *source(const struct data *data, uint64_t operation) {
  struct operation put;
  data_prepare_put(data, &put, 0, operation);
  return put.value;
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

typedef void (*write_back_function)(void *line);

__attribute__((target("clwb"))) static void write_back_clwb(void *line) { _mm_clwb(line); }
__attribute__((target("clflushopt"))) static void write_back_clflushopt(void *line) {
  _mm_clflushopt(line);
}
static void write_back_clflush(void *line) { _mm_clflush(line); }

static write_back_function best_write_back(const char **name) {
  unsigned a, b = 0, c, d;
  __get_cpuid_count(7, 0, &a, &b, &c, &d);
  if (b & bit_CLWB) return *name = "clwb", write_back_clwb;
  if (b & bit_CLFLUSHOPT) return *name = "clflushopt", write_back_clflushopt;
  return *name = "clflush", write_back_clflush;
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

static void run_stores(const struct plan *plan, const struct data *data, const char *workload,
                       store_function store, size_t length, uint32_t *samples, uint64_t count) {
  const char *unused;
  const write_back_function evict = best_write_back(&unused);
  const size_t lines = lines_of(length), size = count * lines * LINE;
  int file = open_scratch_file(plan, size);
  uint8_t *destination = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (destination == MAP_FAILED) fail("mmap: %s", strerror(errno));
  const uint8_t **sources = data_allocate(count * sizeof *sources);
  for (uint64_t i = 0; i < count; i++) sources[i] = source(data, i);
  memset(destination, 0x5a, size);
  for (size_t at = 0; at < size; at += LINE) {
    /* clwb may keep the line; clflush does not. */
    if (evict == write_back_clflush || evict == write_back_clflushopt)
      evict(destination + at);
    else
      write_back_clflushopt(destination + at);
  }
  _mm_mfence();

  struct stores stores = {store, destination, sources, lines};
  const struct loop loop = {.samples = samples,
                            .count = count,
                            .time_limit = (uint64_t)(plan->seconds * clock_ticks_per_second()),
                            .stores = true};
  const struct output_result result = run_loop(&loop, store_step, &stores);
  output_result(workload, &result);
  munmap(destination, size);
  close(file);
  free(sources);
}

static void run_memory_floor(const struct plan *plan, const struct data *data, uint32_t *samples,
                             uint64_t count) {
  const char *name;
  const write_back_function write_back = best_write_back(&name);
  const store_function strict = write_back == write_back_clwb         ? store_clwb
                                : write_back == write_back_clflushopt ? store_clflushopt
                                                                      : store_clflush;
  const size_t bytes = KEY_LENGTH + plan->setup.value_length, record = bytes + RECORD_HEADER;
  output_fact("write-back", "%s", name);
  output_fact("lines", "%zu", lines_of(bytes));
  output_fact("record-lines", "%zu", lines_of(record));
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

struct appends {
  int file;
  size_t length;
  const struct data *data;
};

static void append_step(void *context, uint64_t index) {
  const struct appends *to = context;
  const off_t offset = (off_t)(index * to->length);
  if (pwrite(to->file, source(to->data, index), to->length, offset) != (ssize_t)to->length ||
      fdatasync(to->file) != 0)
    fail("floor: %s", strerror(errno));
}

/* Blocks are allocated and written beforehand: the file system has no metadata to commit. */
static void run_disk_floor(const struct plan *plan, const struct data *data, uint32_t *samples,
                           uint64_t count) {
  const size_t length = KEY_LENGTH + plan->setup.value_length;
  const size_t piece = 1 << 20, size = (count * length + piece - 1) / piece * piece;
  int file = open_scratch_file(plan, size);
  const void *random = data_allocate(piece);
  for (size_t at = 0; at < size; at += piece) {
    if (pwrite(file, random, piece, (off_t)at) != (ssize_t)piece) fail("%s", strerror(errno));
  }
  if (fsync(file) != 0) fail("fsync: %s", strerror(errno));

  struct appends appends = {file, length, data};
  const struct loop loop = {.samples = samples,
                            .count = count,
                            .time_limit = (uint64_t)(plan->seconds * clock_ticks_per_second()),
                            .stores = true};
  const struct output_result result = run_loop(&loop, append_step, &appends);
  output_result("append-fdatasync", &result);
  close(file);
}

struct line {
  uint64_t next;
  uint8_t rest[LINE - 8];
};

struct chain {
  const struct line *memory;
  uint64_t at;
};

static void read_step(void *context, uint64_t index) {
  (void)index;
  struct chain *chain = context;
  chain->at = chain->memory[chain->at].next;
}

/* A permutation of the footprint's lines that is one cycle: line mix(i) names line mix(i + 1). */
static void run_reads(const struct plan *plan, uint32_t *samples, uint64_t count) {
  const size_t record = KEY_LENGTH + plan->setup.value_length + RECORD_HEADER;
  const uint64_t wanted = plan->count * lines_of(record);
  unsigned bits = 6;
  while ((UINT64_C(2) << bits) <= wanted + wanted / 4) bits++;
  const uint64_t lines = UINT64_C(1) << bits, mask = lines - 1;
  struct line *memory = mmap(NULL, lines * LINE, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap: %s", strerror(errno));
  madvise(memory, lines * LINE, MADV_NOHUGEPAGE);
  uint64_t line = 0;
  for (uint64_t i = 1; i <= lines; i++) {
    /* Each step is a bijection on `bits` bits. */
    uint64_t next = i & mask;
    next = (next ^ next >> (bits / 2)) * 0x9e3779b97f4a7c15u & mask;
    next = (next ^ next >> (bits / 2)) * 0xbf58476d1ce4e5b9u & mask;
    next ^= next >> (bits / 2);
    memory[line].next = next;
    line = next;
  }
  output_fact("random-read-footprint", "%llu", (unsigned long long)(lines * LINE));

  struct chain chain = {memory, line};
  const struct loop loop = {.samples = samples, .count = count, .time_limit = UINT64_MAX};
  const struct output_result result = run_loop(&loop, read_step, &chain);
  if (chain.at > mask) fail("floor: the chain is broken");
  output_result("random-read", &result);
  munmap(memory, lines * LINE);
}

void run_floor(const struct plan *plan) {
  const uint64_t stores = plan->writes < MOST_STORES ? plan->writes : MOST_STORES;
  const uint64_t reads = plan->count < MOST_READS ? plan->count : MOST_READS;
  uint32_t *samples = data_allocate((stores > reads ? stores : reads) * sizeof *samples);
  struct data data;
  /* A source is as long as the longest write, rounded up to lines. */
  data_create(&data, lines_of(KEY_LENGTH + plan->setup.value_length + RECORD_HEADER) * LINE, 1,
              plan->seed);
  if (plan->setup.byte_addressable)
    run_memory_floor(plan, &data, samples, stores);
  else
    run_disk_floor(plan, &data, samples, stores);
  run_reads(plan, samples, reads);
}
