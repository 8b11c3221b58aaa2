/*
 * run.h - one engine's store, the threads that work on it, and the account of what it holds.
 *
 * Every thread has keys of its own, those whose number is its own modulo the count of threads, and a
 * contiguous part of the prepared operations. So what each read has to find is known exactly,
 * however the threads interleave, and everything read is checked.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "data.h"
#include "loop.h"
#include "workloads.h"
#include "zipf.h"

struct worker {
  const struct engine *engine;
  const struct plan *plan;
  void *session;
  struct operation *operations;
  uint64_t operation_count;
  uint64_t missing;  /* keys that a deletion did not find, of an engine that loses some when killed */
  struct loop loop;
  struct output_result result;
};

/* Times a worker's steps; its session is attached. */
typedef struct output_result (*worker_loop)(struct worker *worker);

struct run {
  const struct engine *engine;
  const struct plan *plan;
  void *store;
  struct data data;
  struct zipf zipf;
  struct operation *operations;
  uint32_t *samples;
  uint64_t capacity;     /* of these two */
  uint64_t time_limit;   /* in ticks */
  struct worker workers[MOST_THREADS];
};

/* Ends the process unless the result is ENGINE_DONE. */
void run_check(const struct engine *engine, int result, const char *what);

void run_open(struct run *run, bool read_only);
void run_close(struct run *run);

/* For calls outside of workers. */
void *run_attach(const struct engine *engine, void *store);
void run_detach(const struct engine *engine, void *session);

/* Runs a loop on all threads at once; output_together says what the result is. */
struct output_result run_workers(struct run *run, worker_loop loop);

/* Brings the account in line with what the workers did, `steps` of `operations_per_step` each, and
 * fills gaps that unequal threads left in the numbers of new keys. */
void run_settle_account(struct run *run, uint64_t operations_per_step);

/* Makes everything durable; gives its time. */
uint64_t run_sync(struct run *run);

/* Reports what happened once. */
void run_report_once(struct run *run, const char *workload, uint64_t wall, uint64_t ticks);

#endif
