/* workloads.c - see workloads.h. Everything random is prepared before the clock starts. */
#include "workloads.h"
#include "crash.h"
#include "data.h"
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

/* Fewer than asked for where a workload would run past what the tables hold. */
static uint64_t at_most(uint64_t wanted, uint64_t limit) { return wanted < limit ? wanted : limit; }

static void open_store(struct run *run) {
  check(run, run->engine->open(&run->plan->setup, &run->store), "open");
}

static void close_store(struct run *run) {
  check(run, run->engine->close(run->store), "close");
  run->store = NULL;
}

/* Puts `count` keys, new ones or random old ones, one or `batch` of them in a transaction. */
static void run_puts(struct run *run, const char *workload, uint64_t count, bool fresh,
                     uint64_t batch, bool durable, uint64_t time_limit) {
  struct data *data = &run->data;
  const struct engine *engine = run->engine;
  const uint64_t first_write = data->writes;
  if (fresh) count = at_most(count, data->capacity - data->key_count);
  count = count / batch * batch;
  for (uint64_t i = 0; i < count; i++) {
    run->numbers[i] =
        (uint32_t)(fresh ? data->key_count + i : data_random(data, data->key_count));
    data_prepare_put(data, &run->operations[i], run->numbers[i], first_write + i);
  }
  check(run, engine->set_durable(run->store, durable), workload);

  uint64_t done = 0;
  size_t samples = 0;
  const uint64_t wall_start = clock_nanoseconds();
  const uint64_t start = clock_after_stores();
  uint64_t before = start;
  while (done < count) {
    int result = batch == 1 ? engine->put(run->store, &run->operations[done])
                            : engine->put_batch(run->store, &run->operations[done], batch);
    if (result != ENGINE_DONE) check(run, result, workload);
    const uint64_t now = durable ? clock_after_stores() : clock_after_loads();
    run->samples[samples++] = clock_sample(now - before);
    done += batch;
    before = now;
    if (now - start > time_limit) break;
  }
  if (!durable) check(run, engine->sync(run->store), workload);
  clock_after_stores();
  const uint64_t wall = clock_nanoseconds() - wall_start;

  for (uint64_t i = 0; i < done; i++) data_wrote(data, run->numbers[i], first_write + i);
  output_result(workload, done, wall, run->samples, samples);
}

static void run_gets(struct run *run, const char *workload, uint64_t count, bool hits) {
  const struct engine *engine = run->engine;
  for (uint64_t i = 0; i < count; i++) {
    if (hits)
      data_prepare_get(&run->data, &run->operations[i],
                       data_random(&run->data, run->data.key_count));
    else
      data_prepare_miss(&run->operations[i], i);
  }
  const int wanted = hits ? ENGINE_DONE : ENGINE_NOT_FOUND;

  uint64_t done = 0;
  const uint64_t wall_start = clock_nanoseconds();
  const uint64_t start = clock_after_loads();
  uint64_t before = start;
  while (done < count) {
    uint64_t digest = 0;
    int result = engine->get(run->store, &run->operations[done], &digest);
    if (result != wanted || digest != run->operations[done].digest) {
      if (result == ENGINE_FAILED) exit(1);
      fail("%s: %s %llu: a wrong answer", engine->name, workload, (unsigned long long)done);
    }
    const uint64_t now = clock_after_loads();
    run->samples[done++] = clock_sample(now - before);
    before = now;
    if (now - start > run->time_limit) break;
  }
  const uint64_t wall = clock_nanoseconds() - wall_start;
  output_result(workload, done, wall, run->samples, done);
}

/* From the call that opens the store to the first answer. */
static void run_reopen(struct run *run, const char *workload) {
  struct operation operation;
  data_prepare_get(&run->data, &operation, data_random(&run->data, run->plan->count));
  uint64_t digest = 0;
  const uint64_t wall_start = clock_nanoseconds();
  const uint64_t start = clock_after_loads();
  open_store(run);
  check(run, run->engine->get(run->store, &operation, &digest), workload);
  run->samples[0] = clock_sample(clock_after_loads() - start);
  const uint64_t wall = clock_nanoseconds() - wall_start;
  if (digest != operation.digest) fail("%s: %s: a wrong answer", run->engine->name, workload);
  output_result(workload, 1, wall, run->samples, 1);
}

/* All keys in random order, one transaction each, one sync at the end. */
static void run_deletes(struct run *run, const char *workload) {
  const struct engine *engine = run->engine;
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
  check(run, engine->set_durable(run->store, false), workload);

  uint64_t done = 0;
  const uint64_t wall_start = clock_nanoseconds();
  const uint64_t start = clock_after_loads();
  uint64_t before = start;
  while (done < count) {
    int result = engine->erase(run->store, &run->operations[done]);
    if (result != ENGINE_DONE) check(run, result, workload);
    const uint64_t now = clock_after_loads();
    run->samples[done++] = clock_sample(now - before);
    before = now;
    if (now - start > run->time_limit) break;
  }
  check(run, engine->sync(run->store), workload);
  clock_after_stores();
  const uint64_t wall = clock_nanoseconds() - wall_start;
  output_result(workload, done, wall, run->samples, done);
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
  run_puts(&run, "load", plan->count, true, 1, false, UINT64_MAX);
  output_fact("bytes-after-load", "%llu",
              (unsigned long long)bytes_allocated(plan->setup.directory));
  if (is_selected(plan, "put-fresh"))
    run_puts(&run, "put-fresh", plan->writes, true, 1, true, run.time_limit);
  if (is_selected(plan, "put-overwrite"))
    run_puts(&run, "put-overwrite", plan->writes, false, 1, true, run.time_limit);
  if (is_selected(plan, "batch"))
    run_puts(&run, "batch", plan->writes, true, plan->batch, true, run.time_limit);
  if (is_selected(plan, "get-hit")) run_gets(&run, "get-hit", plan->count, true);
  if (is_selected(plan, "get-miss")) run_gets(&run, "get-miss", plan->count, false);
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
