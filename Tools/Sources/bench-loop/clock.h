/*
 * clock.h - time stamps.
 *
 * Every boundary between two operations gets one stamp, so a sample covers all of an operation and
 * one stamp, and the samples of a loop add up to its wall time.
 *
 * What makes a sample honest. `rdtsc` does not wait for earlier instructions: `lfence` before it
 * does, so a load that missed every cache counts in full. Stores are another matter: an `sfence`
 * retires without its stores being drained, and neither `rdtsc` nor `lfence` waits for that. A
 * durable commit that ends with `sfence` would then be charged to the next operation, or to nobody.
 * `clock_after_stores` therefore executes `mfence` first, which is complete only when every earlier
 * store and write-back is globally visible. It costs some 10 ns where nothing is pending, for every
 * engine and for the floor alike.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#if defined(__x86_64__)

#include <x86intrin.h>

/* After loads: all earlier instructions are complete. */
static inline uint64_t clock_after_loads(void) {
  _mm_lfence();
  return __rdtsc();
}

/* After stores: they are in addition drained, and write-backs are done. */
static inline uint64_t clock_after_stores(void) {
  _mm_mfence();
  _mm_lfence();
  return __rdtsc();
}

#else

static inline uint64_t clock_after_loads(void) { return clock_nanoseconds(); }

static inline uint64_t clock_after_stores(void) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return clock_nanoseconds();
}

#endif

/* What the stamps are, and whether they can be trusted: a counter that follows the core's frequency
 * measures something else than time. */
const char *clock_source(void);

/* Measured against CLOCK_MONOTONIC_RAW for 50 ms at the first call, then kept. */
double clock_ticks_per_second(void);

/* What a stamp itself costs in a loop, in nanoseconds. */
double clock_cost_after_loads(void);
double clock_cost_after_stores(void);

/* A sample as it is kept: longer ones count as the longest that 32 bits hold, over a second. */
static inline uint32_t clock_sample(uint64_t ticks) {
  return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

#endif
