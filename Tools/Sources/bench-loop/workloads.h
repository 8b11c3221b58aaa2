/*
 * workloads.h - the loops that every engine runs.
 *
 * One process measures one engine on one fresh directory, so that engines share neither a heap nor
 * a store, and runs the workloads in the order of their list (workloads.c).
 */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

#include "clock.h"
#include "engine.h"

#include <stdbool.h>

/* Passes of overwriting; threads of a plan. */
enum { OVERWRITES = 5, MOST_THREADS = 64 };

struct plan {
  struct engine_setup setup;
  uint64_t count;       /* keys that the load puts, and gets */
  uint64_t writes;      /* operations of each workload that writes durably */
  uint64_t batch;       /* puts in a batch */
  uint64_t many;        /* keys of a multi-get */
  uint64_t range;       /* entries of a range */
  unsigned threads;
  bool sizes;           /* copies of all sizes are measured, too */
  double seconds;       /* a workload other than the load stops after this time */
  uint64_t seed;
  const char *selected; /* names separated by commas, or NULL for all */
};

/* Runs the plan on an engine and reports results. The load always runs: the others need it. */
void run_workloads(const struct engine *engine, const struct plan *plan);

/* Measures the machine instead (floor.c): what storing the same bytes costs without any store. */
void run_floor(const struct plan *plan);

/* Measures the copy core beside libpmem's copies (copies.c). */
void run_copy_comparison(const struct plan *plan);

/* Puts `count` keys that no other workload uses, says so with one byte on the standard output and
 * waits to be killed. */
_Noreturn void run_crash_writer(const struct engine *engine, const struct plan *plan,
                                uint64_t count);

bool is_selected(const struct plan *plan, const char *workload);

#endif
