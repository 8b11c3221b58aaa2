/*
 * occasions.h - what is not a stream of operations: walks over everything, settling, opening,
 * deleting everything, and what a store weighs.
 */
#ifndef BENCH_OCCASIONS_H
#define BENCH_OCCASIONS_H

#include "prepare.h"

/* What a step of a workload consists of. */
enum shape { ONE_BY_ONE, IN_BATCHES, MANY_AT_ONCE };

struct workload {
  const char *name;
  struct mix mix;
  uint64_t count;      /* operations */
  double time_factor;  /* the time limit in plan->seconds; 0: none */
  enum shape shape;
  bool durable;
};

/* Runs and reports a workload that is selected and that the engine can do. */
void run_workload(struct run *run, const struct workload *workload);

/* The same with operations that are there already. */
void run_prepared(struct run *run, const struct workload *workload);

/* Bytes that the files take, for each byte of keys and values that are in the store. */
void report_space(const struct run *run, const char *name);

/* Bytes that the engine takes beside its files, for each key. */
void report_memory(const struct run *run, const char *name);

/* The first entry of a walk: an engine that keeps no order has to make it now, or to catch up. */
void run_first_of_order(struct run *run, const char *workload);

/* All entries. */
void run_scan(struct run *run);

/* What overwriting has left, before and after the engine's own call to give space back. */
void run_settle(struct run *run);

/* From the call that opens the store to the first answer. Leaves it closed. */
void run_reopen(struct run *run, const char *workload, enum reading reading);

/* All keys in random order; opens the store and closes it. */
void run_deletes(struct run *run);

/* The space of a store of its own, into which every key was put durably and by itself. */
void run_apart(const struct engine *engine, const struct plan *plan, struct run *run);

#endif
