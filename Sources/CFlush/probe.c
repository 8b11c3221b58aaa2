// What a non-temporal store does to a line that a cache holds, found by timing.
//
// A line is brought into a known state, stored to non-temporally as a whole, fenced, and loaded
// again. If the load is as slow as one from memory, no cache kept the line; if it is fast, the
// store may have gone no further than the cache, and only an explicit flush makes it persistent.
// Disturbance makes loads slower, never faster: so the verdict looks at the fast ones.
#include "cpu.h"
#include "core.h"

#if defined(__x86_64__) && FL_HAS_FLUSHCACHE
#include <emmintrin.h>
#include <stdlib.h>
#include <time.h>

enum {
  trials = 401,
  spacing = 128,  // lines are fetched in pairs: every other one is used
  sweep_size = 96 * 1024,
  buffer_size = trials * spacing + sweep_size,
};

typedef enum line_state {
  absent,
  modified,        // in the first-level cache
  clean,           // in the first-level cache
  modified_below,  // pushed out of it, into the second level
  line_states,
} line_state;

typedef struct timing {
  double store, reload;  // ticks, averages of the middle half
  double fast_reload;    // the slowest of the fastest tenth
} timing;

static inline uint64_t ticks(void) {
  uint32_t low, high;
  __asm__ volatile("mfence\n\tlfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
  return (uint64_t)high << 32 | low;
}

static inline void load(const unsigned char *address) {
  (void)*(const volatile unsigned char *)address;
}

static void prepare(line_state state, unsigned char *line, const unsigned char *sweep) {
  _mm_clflush(line);
  _mm_mfence();
  if (state == absent) return;
  if (state == clean) {
    load(line);
  } else {
    *(volatile unsigned char *)line = 1;
  }
  if (state != modified_below) return;
  for (size_t i = 0; i < sweep_size; i += FL_LINE_SIZE) load(sweep + i);
}

static void store_line(unsigned char *line, int value) {
  const __m128i words = _mm_set1_epi32(value);
  for (int i = 0; i < 4; i += 1) _mm_stream_si128((__m128i *)(void *)line + i, words);
}

static int compare(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/// The clock may advance in steps of tens of ticks: an average sees between them, a median not.
static double middle_average(uint64_t *samples) {
  qsort(samples, trials, sizeof *samples, compare);
  uint64_t sum = 0;
  for (int i = trials / 4; i < trials - trials / 4; i += 1) sum += samples[i];
  return (double)sum / (trials - trials / 4 * 2);
}

/// Without `stores`, only the load is timed.
static timing measure(unsigned char *buffer, line_state state, bool stores) {
  uint64_t nothing[trials], store[trials], reload[trials];
  for (int i = 0; i < trials; i += 1) {
    // A stride that the prefetchers don't follow (trials is prime).
    unsigned char *const line = buffer + (size_t)(i * 173 % trials) * spacing;
    uint64_t start = ticks();
    nothing[i] = ticks() - start;
    prepare(state, line, buffer + trials * spacing);
    start = ticks();
    if (stores) store_line(line, i);
    store[i] = ticks() - start;
    start = ticks();
    load(line + 8);
    reload[i] = ticks() - start;
  }
  const double overhead = middle_average(nothing);
  timing result = {middle_average(store) - overhead, middle_average(reload) - overhead, 0};
  result.fast_reload = (double)reload[trials / 10] - overhead;
  return result;
}

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

fl_probe_result fl_probe(void) {
  fl_probe_result result = {.trusted_by_auto = fl_cpu_features()->evicts_on_stream};
  unsigned char *buffer = aligned_alloc(4096, (buffer_size + 4095) / 4096 * 4096);
  if (buffer == NULL) return result;
  for (size_t i = 0; i < buffer_size; i += 1) ((volatile unsigned char *)buffer)[i] = 1;

  const uint64_t start_ns = nanoseconds(), start = ticks();
  timing after_store[line_states];
  for (int state = absent; state < line_states; state += 1) {
    after_store[state] = measure(buffer, (line_state)state, true);
  }
  const timing cached = measure(buffer, modified, false);
  const timing uncached = measure(buffer, absent, false);
  const uint64_t elapsed = ticks() - start;
  const double tick_ns = (double)(nanoseconds() - start_ns) / (double)(elapsed > 0 ? elapsed : 1);
  free(buffer);

  result.resident_store_ns = after_store[modified].store * tick_ns;
  result.absent_store_ns = after_store[absent].store * tick_ns;
  result.resident_reload_ns = after_store[modified].reload * tick_ns;
  // So little that, beside reading the clock, it may come out below nothing.
  result.cached_reload_ns = cached.reload > 0 ? cached.reload * tick_ns : 0;
  // Nearly as slow as memory: a hit in the last-level cache would not pass.
  result.evicts_resident_line = uncached.fast_reload > 3 * cached.reload + 30;
  for (int state = modified; state < line_states; state += 1) {
    if (after_store[state].fast_reload < 0.75 * uncached.fast_reload) {
      result.evicts_resident_line = false;
    }
  }
  return result;
}

#else

fl_probe_result fl_probe(void) { return (fl_probe_result){0}; }

#endif
