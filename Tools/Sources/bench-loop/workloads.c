/* workloads.c - see workloads.h. Everything random is prepared before the clock starts. */
#include "workloads.h"
#include "crash.h"
#include "data.h"
#include "loop.h"
#include "output.h"

#include <stdlib.h>

struct run {
  const struct engine *engine;
  const struct plan *plan;
  struct data data;
  void *store;
  struct operation *operations;
  uint32_t *numbers;  /* the key numbers that `operations` are about */
  uint32_t *samples;
  uint64_t time_limit;  /* in ticks */
};

static void check(const struct run *run, int result, const char *what) {
  if (result == ENGINE_NOT_FOUND) fail("%s: %s: a key is missing", run->engine->name, what);
  if (result != ENGINE_DONE) exit(1);
}

static void open_store(struct run *run) {
  check(run, run->engine->open(&run->plan->setup, &run->store), "open");
}

static void close_store(struct run *run) {
  check(run, run->engine->close(run->store), "close");
  run->store = NULL;
}

/* A step of each kind; `context` is the run. */
static void put_step(void *context, uint64_t index) {
  const struct run *run = context;
  int result = run->engine->put(run->store, &run->operations[index]);
  if (result != ENGINE_DONE) check(run, result, "put");
}

static void batch_step(void *context, uint64_t index) {
  const struct run *run = context;
  const uint64_t batch = run->plan->batch;
  int result = run->engine->put_batch(run->store, &run->operations[index * batch], batch);
  if (result != ENGINE_DONE) check(run, result, "batch");
}

static void hit_step(void *context, uint64_t index) {
  const struct run *run = context;
  const struct operation *operation = &run->operations[index];
  uint64_t digest = 0;
  int result = run->engine->get(run->store, operation, &digest);
  if (result != ENGINE_DONE) check(run, result, "get");
  if (digest != operation->digest) fail("%s: get: a wrong value", run->engine->name);
}

static void miss_step(void *context, uint64_t index) {
  const struct run *run = context;
  uint64_t digest = 0;
  int result = run->engine->get(run->store, &run->operations[index], &digest);
  if (result == ENGINE_FAILED) exit(1);
  if (result != ENGINE_NOT_FOUND) fail("%s: get: a key that was never put", run->engine->name);
}

static void erase_step(void *context, uint64_t index) {
  const struct run *run = context;
  int result = run->engine->erase(run->store, &run->operations[index]);
  if (result != ENGINE_DONE) check(run, result, "delete");
}

/* Ends a buffered workload: its writes become durable, which is part of its time. */
static uint64_t sync_nanoseconds(struct run *run) {
  const uint64_t start = clock_nanoseconds();
  check(run, run->engine->sync(run->store), "sync");
  clock_after_stores();
  return clock_nanoseconds() - start;
}

enum kind { NEW_KEYS, OLD_KEYS };

/* Prepares `count` puts of new keys, or of random old ones; returns how many there are. */
static uint64_t prepare_puts(struct run *run, uint64_t count, enum kind kind) {
  struct data *data = &run->data;
  const uint64_t room = data->capacity - data->key_count;
  if (kind == NEW_KEYS && count > room) count = room;
  for (uint64_t i = 0; i < count; i++) {
    run->numbers[i] = (uint32_t)(kind == NEW_KEYS ? data->key_count + i
                                                  : data_random(data, data->key_count));
    data_prepare_put(data, &run->operations[i], run->numbers[i], data->writes + i);
  }
  return count;
}

static void record_puts(struct run *run, uint64_t count) {
  const uint64_t first_write = run->data.writes;
  for (uint64_t i = 0; i < count; i++) data_wrote(&run->data, run->numbers[i], first_write + i);
}

static void run_load(struct run *run) {
  const struct loop loop = {.samples = run->samples,
                            .count = prepare_puts(run, run->plan->count, NEW_KEYS),
                            .time_limit = UINT64_MAX};
  check(run, run->engine->set_durable(run->store, false), "load");
  struct output_result result = run_loop(&loop, put_step, run);
  result.final_nanoseconds = sync_nanoseconds(run);
  record_puts(run, result.operations);
  output_result("load", &result);
}

static void run_durable_puts(struct run *run, const char *workload, enum kind kind) {
  const struct loop loop = {.samples = run->samples,
                            .count = prepare_puts(run, run->plan->writes, kind),
                            .time_limit = run->time_limit,
                            .stores = true};
  check(run, run->engine->set_durable(run->store, true), workload);
  struct output_result result = run_loop(&loop, put_step, run);
  record_puts(run, result.operations);
  output_result(workload, &result);
}

static void run_batches(struct run *run, const char *workload) {
  const uint64_t batch = run->plan->batch;
  const struct loop loop = {.samples = run->samples,
                            .count = prepare_puts(run, run->plan->writes, NEW_KEYS) / batch,
                            .time_limit = run->time_limit,
                            .stores = true};
  check(run, run->engine->set_durable(run->store, true), workload);
  struct output_result result = run_loop(&loop, batch_step, run);
  result.operations *= batch;
  result.plain_operations *= batch;
  record_puts(run, result.operations);
  output_result(workload, &result);
}

static void run_gets(struct run *run, const char *workload, bool hits) {
  const struct loop loop = {
      .samples = run->samples, .count = run->plan->count, .time_limit = run->time_limit};
  for (uint64_t i = 0; i < loop.count; i++) {
    if (hits)
      data_prepare_get(&run->data, &run->operations[i],
                       data_random(&run->data, run->data.key_count));
    else
      data_prepare_miss(&run->operations[i], i);
  }
  const struct output_result result =
      hits ? run_loop(&loop, hit_step, run) : run_loop(&loop, miss_step, run);
  output_result(workload, &result);
}

/* From the call that opens the store to the first answer. */
static void run_reopen(struct run *run, const char *workload) {
  struct operation operation;
  data_prepare_get(&run->data, &operation, data_random(&run->data, run->plan->count));
  uint64_t digest = 0;
  const uint64_t start = clock_after_loads(), wall_start = clock_nanoseconds();
  open_store(run);
  check(run, run->engine->get(run->store, &operation, &digest), workload);
  const uint64_t wall = clock_nanoseconds() - wall_start;
  run->samples[0] = clock_sample(clock_after_loads() - start);
  if (digest != operation.digest) fail("%s: %s: a wrong answer", run->engine->name, workload);
  output_result(workload, &(struct output_result){.operations = 1,
                                                  .wall_nanoseconds = wall,
                                                  .plain_operations = 1,
                                                  .plain_nanoseconds = wall,
                                                  .samples = run->samples,
                                                  .sample_count = 1});
}

/* All keys in random order, one transaction each, one sync at the end. */
static void run_deletes(struct run *run, const char *workload) {
  const uint64_t count = run->data.key_count;
  for (uint64_t i = 0; i < count; i++) run->numbers[i] = (uint32_t)i;
  for (uint64_t i = count - 1; i > 0; i--) {
    uint64_t other = data_random(&run->data, i + 1);
    uint32_t number = run->numbers[i];
    run->numbers[i] = run->numbers[other];
    run->numbers[other] = number;
  }
  for (uint64_t i = 0; i < count; i++)
    data_prepare_get(&run->data, &run->operations[i], run->numbers[i]);
  const struct loop loop = {
      .samples = run->samples, .count = count, .time_limit = run->time_limit};
  check(run, run->engine->set_durable(run->store, false), workload);
  struct output_result result = run_loop(&loop, erase_step, run);
  result.final_nanoseconds = sync_nanoseconds(run);
  output_result(workload, &result);
}

bool is_selected(const struct plan *plan, const char *workload) {
  const char *at = plan->selected;
  const size_t length = strlen(workload);
  while (at != NULL && *at != '\0') {
    if (strncmp(at, workload, length) == 0 && (at[length] == ',' || at[length] == '\0'))
      return true;
    at = strchr(at, ',');
    if (at != NULL) at++;
  }
  return plan->selected == NULL;
}

void run_workloads(const struct engine *engine, const struct plan *plan) {
  struct run run = {.engine = engine, .plan = plan};
  const uint64_t capacity = plan->count + plan->writes + plan->writes / plan->batch * plan->batch;
  data_create(&run.data, plan->setup.value_length, capacity, plan->seed);
  run.operations = data_allocate(capacity * sizeof *run.operations);
  run.numbers = data_allocate(capacity * sizeof *run.numbers);
  run.samples = data_allocate(capacity * sizeof *run.samples);
  run.time_limit = (uint64_t)(plan->seconds * clock_ticks_per_second());
  output_fact("reads-verify", "%s", engine->read_check);

  open_store(&run);
  engine->describe(run.store);
  run_load(&run);
  output_fact("bytes-after-load", "%llu",
              (unsigned long long)bytes_allocated(plan->setup.directory));
  if (is_selected(plan, "put-fresh")) run_durable_puts(&run, "put-fresh", NEW_KEYS);
  if (is_selected(plan, "put-overwrite"))
    run_durable_puts(&run, "put-overwrite", OLD_KEYS);
  if (is_selected(plan, "batch")) run_batches(&run, "batch");
  if (is_selected(plan, "get-hit")) run_gets(&run, "get-hit", true);
  if (is_selected(plan, "get-miss")) run_gets(&run, "get-miss", false);
  close_store(&run);
  if (is_selected(plan, "reopen-closed")) {
    run_reopen(&run, "reopen-closed");
    close_store(&run);
  }
  if (is_selected(plan, "reopen-killed")) {
    leave_killed_writer(engine, plan);
    run_reopen(&run, "reopen-killed");
    close_store(&run);
  }
  if (is_selected(plan, "delete")) {
    open_store(&run);
    run_deletes(&run, "delete");
    close_store(&run);
  }
}

void run_crash_writer(const struct engine *engine, const struct plan *plan, uint64_t count) {
  struct data data;
  void *store;
  data_create(&data, plan->setup.value_length, 1, plan->seed);
  if (engine->open(&plan->setup, &store) != ENGINE_DONE) exit(1);
  if (engine->set_durable(store, false) != ENGINE_DONE) exit(1);
  for (uint64_t i = 0; i < count; i++) {
    struct operation operation;
    data_prepare_put(&data, &operation, crash_first_key + i, i);
    if (engine->put(store, &operation) != ENGINE_DONE) exit(1);
  }
  wait_to_be_killed();
}
