/* workloads.c - see workloads.h. Everything random is prepared before the clock starts. */
#include "workloads.h"
#include "crash.h"
#include "memory.h"
#include "occasions.h"
#include "steps.h"

#include <stdlib.h>
#include <unistd.h>

void run_prepared(struct run *run, const struct workload *workload) {
  const uint64_t per_step = workload->shape == IN_BATCHES     ? run->plan->batch
                            : workload->shape == MANY_AT_ONCE ? run->plan->many
                                                              : 1;
  const worker_loop loops[] = {loop_over_operations, loop_over_batches, loop_over_many};
  const bool writes = workload->mix.get + workload->mix.miss + workload->mix.scan < 100;
  for (unsigned i = 0; i < run->plan->threads; i++) {
    struct loop *loop = &run->workers[i].loop;
    loop->count /= per_step;
    loop->time_limit = workload->time_factor == 0
                           ? UINT64_MAX
                           : (uint64_t)((double)run->time_limit * workload->time_factor);
    loop->stores = workload->durable;
  }
  if (writes)
    run_check(run->engine, run->engine->set_durable(run->store, workload->durable), workload->name);
  struct output_result result = run_workers(run, loops[workload->shape]);
  if (writes && !workload->durable) result.final_nanoseconds = run_sync(run);
  run_settle_account(run, per_step);
  /* Order is caught up in bursts, and stamps are nothing beside a scan: all of the time counts. */
  if (workload->mix.scan > 0) {
    result.plain_operations = result.operations;
    result.plain_nanoseconds = result.wall_nanoseconds;
  }
  result.operations *= per_step;
  result.plain_operations *= per_step;
  output_result(workload->name, &result);
}

/* Whether the engine can do everything that a workload consists of. */
static bool can_run(const struct engine *engine, const struct workload *workload) {
  const struct mix *mix = &workload->mix;
  return (engine->get != NULL || mix->get + mix->miss + mix->modify == 0) &&
         (engine->scan != NULL || mix->scan == 0) && (engine->get != NULL || mix->put == 0) &&
         (engine->put_batch != NULL || workload->shape != IN_BATCHES);
}

void run_workload(struct run *run, const struct workload *workload) {
  if (!is_selected(run->plan, workload->name) && strcmp(workload->name, "load") != 0) return;
  if (!can_run(run->engine, workload)) return;
  prepare_operations(run, workload->count, &workload->mix);
  run_prepared(run, workload);
}

static void run_list(struct run *run, const struct workload *list, size_t count) {
  for (size_t i = 0; i < count; i++) run_workload(run, &list[i]);
}

#define RUN_LIST(run, list) run_list(run, list, sizeof list / sizeof *list)

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
  const uint64_t count = plan->count, writes = plan->writes;
  const struct workload load[] = {
      /* An engine that is always durable may need a device flush for each. */
      {"load", {.insert = 100}, count, engine->always_durable ? 1 : 0, ONE_BY_ONE, false},
  };
  const struct workload reads[] = {
      {"get-hit", {.get = 100}, count, 1, ONE_BY_ONE, false},
      {"get-miss", {.miss = 100}, count, 1, ONE_BY_ONE, false},
      {"get-zipfian", {.get = 100, .choice = ZIPFIAN}, count, 1, ONE_BY_ONE, false},
      {"get-many", {.get = 100}, count, 1, MANY_AT_ONCE, false},
  };
  const unsigned range = (unsigned)plan->range;
  const struct workload ranges = {
      "range", {.scan = 100, .scan_limit = range}, count / 10, 1, ONE_BY_ONE, false};
  const struct workload before_walks[] = {
      {"put-fresh", {.insert = 100}, writes, 1, ONE_BY_ONE, true},
      {"put-overwrite", {.put = 100}, writes, 1, ONE_BY_ONE, true},
      {"batch", {.insert = 100}, writes, 1, IN_BATCHES, true},
      {"ycsb-a", {.get = 50, .put = 50, .choice = ZIPFIAN}, count, 1, ONE_BY_ONE, false},
      {"ycsb-b", {.get = 95, .put = 5, .choice = ZIPFIAN}, count, 1, ONE_BY_ONE, false},
      {"ycsb-c", {.get = 100, .choice = ZIPFIAN}, count, 1, ONE_BY_ONE, false},
      {"ycsb-d", {.get = 95, .insert = 5, .choice = LATEST}, count, 1, ONE_BY_ONE, false},
  };
  const struct workload after_them[] = {
      {"ycsb-e",
       {.scan = 95, .insert = 5, .choice = ZIPFIAN, .scan_limit = 100, .scan_limit_is_range = true},
       count / 10, 1, ONE_BY_ONE, false},
      {"ycsb-f", {.get = 50, .modify = 50, .choice = ZIPFIAN}, count, 1, ONE_BY_ONE, false},
      {"overwrite", {.put = 100}, OVERWRITES * count, OVERWRITES, ONE_BY_ONE, false},
      {"put-maintained", {.put = 100}, writes, 1, ONE_BY_ONE, true},
  };

  struct run run = {.engine = engine, .plan = plan};
  /* Inserts of the workloads D and E: a twentieth, with room for chance. */
  const uint64_t keys = count + 2 * writes + count / 8 + 1000 + 64 * plan->threads;
  run.capacity = is_selected(plan, "overwrite") && OVERWRITES * count > keys ? OVERWRITES * count
                                                                            : keys;
  data_create(&run.data, plan->setup.value_length, keys, plan->seed);
  run.operations = data_allocate(run.capacity * sizeof *run.operations);
  run.samples = data_allocate(run.capacity * sizeof *run.samples);
  run.time_limit = (uint64_t)(plan->seconds * clock_ticks_per_second());
  output_fact("reads-verify", "%s", engine->read_check);
  output_fact("durable-means", "%s", engine->durability);
  memory_start();

  run_open(&run, false);
  engine->describe(run.store);
  RUN_LIST(&run, load);
  /* Stores go on working behind a load: files are replaced, and for a moment both are there. */
  if (plan->seconds >= 1) sleep(1);
  report_space(&run, "space-loaded");
  RUN_LIST(&run, reads);
  report_memory(&run, "memory-points");
  run_first_of_order(&run, "order");
  run_scan(&run);
  if (engine->scan != NULL && (is_selected(plan, "order") || is_selected(plan, "scan")))
    report_memory(&run, "memory-ordered");
  run_workload(&run, &ranges);
  RUN_LIST(&run, before_walks);
  run_first_of_order(&run, "order-later");
  RUN_LIST(&run, after_them);
  run_settle(&run);
  output_number("memory-peak", (double)memory_peak() / (double)run.data.key_count);
  run_close(&run);
  run_reopen(&run, "reader-closed", READS_ONLY_AFTER_CLOSE);
  run_reopen(&run, "reopen-closed", READS_ONLY_NEVER);
  if (engine->get != NULL &&
      (is_selected(plan, "reader-killed") || is_selected(plan, "reopen-killed")))
    leave_killed_writer(engine, plan);
  run_reopen(&run, "reader-killed", READS_ONLY_ALWAYS);
  run_reopen(&run, "reopen-killed", READS_ONLY_NEVER);
  run_deletes(&run);
  run_apart(engine, plan, &run);
}

void run_crash_writer(const struct engine *engine, const struct plan *plan, uint64_t count) {
  struct data data;
  void *store;
  data_create(&data, plan->setup.value_length, 1, plan->seed);
  if (engine->open(&plan->setup, &store) != ENGINE_DONE) exit(1);
  if (engine->set_durable(store, false) != ENGINE_DONE) exit(1);
  void *session = run_attach(engine, store);
  for (uint64_t i = 0; i < count; i++) {
    struct operation operation;
    data_prepare_extra(&data, &operation, crash_first_key + i);
    if (engine->put(session, &operation) != ENGINE_DONE) exit(1);
  }
  wait_to_be_killed();
}
