/*
 * floor_read.c - a read of a random place costs at least one load that misses caches and TLB: each
 * load's address comes from the one before. Several threads follow one chain from places far apart, as
 * readers of one store would.
 */
#include "bare.h"
#include "floor.h"
#include "output.h"

#include <errno.h>
#include <sys/mman.h>

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

static struct output_result loop_over_reads(const struct loop *loop, void *chain) {
  return run_loop(loop, read_step, chain);
}

/* A permutation of 2^bits numbers. */
static uint64_t shuffled(uint64_t number, unsigned bits) {
  const uint64_t mask = (UINT64_C(1) << bits) - 1;
  /* Each step is a bijection on `bits` bits. */
  uint64_t result = number & mask;
  result = (result ^ result >> (bits / 2)) * 0x9e3779b97f4a7c15u & mask;
  result = (result ^ result >> (bits / 2)) * 0xbf58476d1ce4e5b9u & mask;
  return result ^ result >> (bits / 2);
}

/* More memory than this makes no read slower: every one misses all caches and all of the TLB. */
enum { MOST_BITS = 26 };

/* A permutation of the footprint's lines that is one cycle: line shuffled(i) names line
 * shuffled(i + 1). */
void floor_reads(const struct plan *plan, uint32_t *samples, uint64_t count) {
  const size_t record = KEY_LENGTH + plan->setup.value_length + RECORD_HEADER;
  const uint64_t wanted = plan->count * bare_lines(record);
  unsigned bits = 6;
  while (bits < MOST_BITS && (UINT64_C(2) << bits) <= wanted + wanted / 4) bits++;
  const uint64_t lines = UINT64_C(1) << bits;
  struct line *memory = mmap(NULL, lines * LINE, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap: %s", strerror(errno));
  madvise(memory, lines * LINE, MADV_NOHUGEPAGE);
  for (uint64_t i = 0; i < lines; i++) memory[shuffled(i, bits)].next = shuffled(i + 1, bits);
  output_fact("random-read-footprint", "%llu", (unsigned long long)(lines * LINE));

  struct chain chains[MOST_THREADS];
  for (unsigned i = 0; i < plan->threads; i++)
    chains[i] = (struct chain){memory, shuffled(lines / plan->threads * i, bits)};
  const struct loop loop = {.samples = samples, .count = count, .time_limit = UINT64_MAX};
  const struct output_result result =
      bare_run(plan, loop_over_reads, loop, chains, sizeof *chains);
  for (unsigned i = 0; i < plan->threads; i++) {
    if (chains[i].at >= lines) fail("floor: the chain is broken");
  }
  output_result("random-read", &result);
  munmap(memory, lines * LINE);
}
