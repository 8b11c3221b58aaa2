/*
 * loop.h - the loop that times everything: engines and floor, stores and loads.
 *
 * A stamp costs 10 to 40 ns, which is much beside a get of 300. Blocks of operations therefore
 * alternate: in a sampled block every operation is stamped and gives one sample, a plain block has
 * one stamp at each end. Percentiles come from the former, throughput from the latter.
 */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include "clock.h"
#include "output.h"

#include <stdbool.h>
#include <stddef.h>

struct loop {
  uint32_t *samples;    /* room for one a step */
  uint64_t count;       /* steps */
  uint64_t time_limit;  /* in ticks; looked at after each sampled step and each plain block */
  bool stores;          /* the steps end with stores that have to be drained */
  unsigned more_plain;  /* plain blocks for each sampled one, beyond one */
};

/* Runs `step(context, i)` for i from 0 and leaves the result's `final_nanoseconds` at 0. Inlined, and
 * the step into it where it is a constant, so that the loop adds no call. */
static inline __attribute__((always_inline)) struct output_result run_loop(
    const struct loop *loop, void (*step)(void *context, uint64_t index), void *context) {
  /* Both kinds of blocks occur in short runs too. */
  const uint64_t block = loop->count >= 256 ? 64 : loop->count >= 4 ? loop->count / 4 : 1;
  struct output_result result = {.samples = loop->samples};
  uint64_t plain_ticks = 0, done = 0;
  const uint64_t wall_start = clock_nanoseconds();
  const uint64_t start = loop->stores ? clock_after_stores() : clock_after_loads();
  uint64_t now = start;
  while (done < loop->count && now - start <= loop->time_limit) {
    const uint64_t before = now;
    const uint64_t end = loop->count - done < block ? loop->count : done + block;
    if (done / block % (2 + loop->more_plain) == 0) {
      uint64_t last = before;
      while (done < end && now - start <= loop->time_limit) {
        step(context, done++);
        now = loop->stores ? clock_after_stores() : clock_after_loads();
        loop->samples[result.sample_count++] = clock_sample(now - last);
        last = now;
      }
    } else {
      result.plain_operations += end - done;
      while (done < end) step(context, done++);
      now = loop->stores ? clock_after_stores() : clock_after_loads();
      plain_ticks += now - before;
    }
  }
  result.wall_nanoseconds = clock_nanoseconds() - wall_start;
  result.plain_nanoseconds = (uint64_t)((double)plain_ticks / clock_ticks_per_second() * 1e9);
  result.operations = done;
  /* One step, or so slow that the time was over before: stamps are nothing beside that. */
  if (result.plain_operations == 0) {
    result.plain_operations = done;
    result.plain_nanoseconds = result.wall_nanoseconds;
  }
  return result;
}

#endif
