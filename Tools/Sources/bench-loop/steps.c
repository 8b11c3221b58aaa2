/* steps.c - see steps.h. Every answer is checked, for every engine alike. */
#include "steps.h"

#include <stdlib.h>

enum { MOST_AT_ONCE = 1024 };

static void put(const struct worker *worker, const struct operation *operation) {
  int result = worker->engine->put(worker->session, operation);
  if (result != ENGINE_DONE) run_check(worker->engine, result, "put");
}

static void get(const struct worker *worker, const struct operation *operation) {
  uint64_t digest = 0;
  int result = worker->engine->get(worker->session, operation, &digest);
  if (result != ENGINE_DONE) run_check(worker->engine, result, "get");
  if (digest != operation->digest) fail("%s: get: a wrong value", worker->engine->name);
}

static void miss(const struct worker *worker, const struct operation *operation) {
  uint64_t digest = 0;
  int result = worker->engine->get(worker->session, operation, &digest);
  if (result == ENGINE_FAILED) exit(1);
  if (result != ENGINE_NOT_FOUND) fail("%s: get: a key that was never put", worker->engine->name);
}

static void scan(const struct worker *worker, const struct operation *operation) {
  struct scan scan = {.from = operation->key, .limit = operation->limit};
  uint64_t first;
  memcpy(&first, operation->key, sizeof first);
  int result = worker->engine->scan(worker->session, &scan);
  if (result != ENGINE_DONE) run_check(worker->engine, result, "scan");
  if (scan.count == 0 || scan.count > scan.limit || scan.first != __builtin_bswap64(first) ||
      scan.is_disordered)
    fail("%s: scan: wrong entries", worker->engine->name);
}

static void erase(struct worker *worker, const struct operation *operation) {
  int result = worker->engine->erase(worker->session, operation);
  if (result == ENGINE_NOT_FOUND && worker->engine->loses_when_killed)
    worker->missing++;
  else if (result != ENGINE_DONE)
    run_check(worker->engine, result, "delete");
}

static void operation_step(void *context, uint64_t index) {
  const struct worker *worker = context;
  const struct operation *operation = &worker->operations[index];
  switch (operation->kind) {
  case OPERATION_PUT: put(worker, operation); break;
  case OPERATION_GET: get(worker, operation); break;
  case OPERATION_MISS: miss(worker, operation); break;
  case OPERATION_MODIFY:
    get(worker, operation);
    put(worker, operation);
    break;
  case OPERATION_SCAN: scan(worker, operation); break;
  case OPERATION_ERASE: erase(context, operation); break;
  }
}

struct output_result loop_over_operations(struct worker *worker) {
  return run_loop(&worker->loop, operation_step, worker);
}

static void batch_step(void *context, uint64_t index) {
  const struct worker *worker = context;
  const uint64_t batch = worker->plan->batch;
  int result =
      worker->engine->put_batch(worker->session, &worker->operations[index * batch], batch);
  if (result != ENGINE_DONE) run_check(worker->engine, result, "batch");
}

struct output_result loop_over_batches(struct worker *worker) {
  return run_loop(&worker->loop, batch_step, worker);
}

static void many_step(void *context, uint64_t index) {
  const struct worker *worker = context;
  const struct engine *engine = worker->engine;
  const uint64_t many = worker->plan->many;
  const struct operation *operations = &worker->operations[index * many];
  uint64_t digests[MOST_AT_ONCE];
  if (engine->get_many != NULL) {
    int result = engine->get_many(worker->session, operations, many, digests);
    if (result != ENGINE_DONE) run_check(engine, result, "multi-get");
  } else {
    for (uint64_t i = 0; i < many; i++) {
      int result = engine->get(worker->session, &operations[i], &digests[i]);
      if (result != ENGINE_DONE) run_check(engine, result, "multi-get");
    }
  }
  for (uint64_t i = 0; i < many; i++) {
    if (digests[i] != operations[i].digest) fail("%s: multi-get: a wrong value", engine->name);
  }
}

struct output_result loop_over_many(struct worker *worker) {
  if (worker->plan->many > MOST_AT_ONCE) fail("a multi-get of too many keys");
  return run_loop(&worker->loop, many_step, worker);
}

struct output_result walk_over_all(struct worker *worker) {
  struct scan scan = {.limit = SIZE_MAX};
  const uint64_t wall_start = clock_nanoseconds(), start = clock_after_loads();
  run_check(worker->engine, worker->engine->scan(worker->session, &scan), "scan");
  worker->loop.samples[0] = clock_sample(clock_after_loads() - start);
  const uint64_t wall = clock_nanoseconds() - wall_start;
  /* The loop's count and the digest of the only operation say what has to come out. */
  if (scan.is_disordered || scan.count != worker->loop.count ||
      scan.digests != worker->operations[0].digest)
    fail("%s: scan: wrong entries", worker->engine->name);
  return (struct output_result){.operations = scan.count,
                                .wall_nanoseconds = wall,
                                .plain_operations = scan.count,
                                .plain_nanoseconds = wall,
                                .samples = worker->loop.samples,
                                .sample_count = 1};
}
