/* occasions.c - see occasions.h. */
#include "occasions.h"
#include "crash.h"
#include "memory.h"
#include "steps.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

void report_space(const struct run *run, const char *name) {
  /* A log of a fixed size says nothing. */
  if (run->engine->get == NULL) return;
  const uint64_t live = run->data.key_count * (KEY_LENGTH + run->plan->setup.value_length);
  output_number(name, (double)bytes_allocated(run->plan->setup.directory) / (double)live);
}

void report_memory(const struct run *run, const char *name) {
  output_number(name, (double)memory_now() / (double)run->data.key_count);
}

void run_first_of_order(struct run *run, const char *workload) {
  if (run->engine->scan == NULL || !is_selected(run->plan, workload)) return;
  struct scan scan = {.limit = 1};
  void *session = run_attach(run->engine, run->store);
  const uint64_t wall_start = clock_nanoseconds(), start = clock_after_loads();
  run_check(run->engine, run->engine->scan(session, &scan), workload);
  const uint64_t ticks = clock_after_loads() - start;
  run_report_once(run, workload, clock_nanoseconds() - wall_start, ticks);
  run_detach(run->engine, session);
  if (scan.count != 1) fail("%s: %s: no entry", run->engine->name, workload);
}

void run_scan(struct run *run) {
  if (run->engine->scan == NULL || !is_selected(run->plan, "scan")) return;
  prepare_operations(run, run->plan->threads, &(struct mix){.get = 100});
  uint64_t digests = 0;
  for (uint64_t i = 0; i < run->data.key_count; i++) digests += data_digest(&run->data, i);
  for (unsigned i = 0; i < run->plan->threads; i++) {
    run->workers[i].operations[0].digest = digests;
    run->workers[i].loop.count = run->data.key_count;
  }
  const struct output_result result = run_workers(run, walk_over_all);
  output_result("scan", &result);
}

void run_settle(struct run *run) {
  if (!is_selected(run->plan, "overwrite")) return;
  report_space(run, "space-overwritten");
  if (run->engine->settle == NULL) return;
  const uint64_t wall_start = clock_nanoseconds(), start = clock_after_loads();
  run_check(run->engine, run->engine->settle(run->store), "settle");
  const uint64_t ticks = clock_after_loads() - start;
  run_report_once(run, "settle", clock_nanoseconds() - wall_start, ticks);
  report_space(run, "space-settled");
}

void run_reopen(struct run *run, const char *workload, enum reading reading) {
  const bool read_only = reading != READS_ONLY_NEVER;
  if (!is_selected(run->plan, workload) || run->engine->get == NULL) return;
  if (reading > run->engine->reads_only) return;
  struct operation operation;
  data_prepare_get(&run->data, &operation, data_random(&run->data, run->data.key_count));
  uint64_t digest = 0;
  const uint64_t start = clock_after_loads(), wall_start = clock_nanoseconds();
  run_open(run, read_only);
  void *session = run_attach(run->engine, run->store);
  const int result = run->engine->get(session, &operation, &digest);
  const uint64_t wall = clock_nanoseconds() - wall_start;
  const uint64_t ticks = clock_after_loads() - start;
  run_detach(run->engine, session);
  run_close(run);
  if (result == ENGINE_NOT_FOUND && run->engine->loses_when_killed)
    digest = operation.digest;
  else
    run_check(run->engine, result, workload);
  if (digest != operation.digest) fail("%s: %s: a wrong answer", run->engine->name, workload);
  run_report_once(run, workload, wall, ticks);
}

void run_deletes(struct run *run) {
  if (run->engine->erase == NULL || !is_selected(run->plan, "delete")) return;
  run_open(run, false);
  prepare_deletions(run);
  run_prepared(run, &(struct workload){"delete", {.erase = 100}, .time_factor = 1});
  uint64_t missing = 0;
  for (unsigned i = 0; i < run->plan->threads; i++) missing += run->workers[i].missing;
  if (missing > 0) output_fact("lost-when-killed", "%llu keys", (unsigned long long)missing);
  run_close(run);
}

void run_apart(const struct engine *engine, const struct plan *plan, struct run *run) {
  if (!is_selected(plan, "put-fresh") || engine->get == NULL) return;
  char directory[4096];
  snprintf(directory, sizeof directory, "%s/apart", plan->setup.directory);
  if (mkdir(directory, 0700) != 0) fail("%s: %s", directory, strerror(errno));
  struct plan apart = *plan;
  apart.setup.directory = directory;
  apart.threads = 1;
  run->plan = &apart;
  run->data.key_count = 0;
  for (uint64_t i = 0; i < run->data.capacity; i++)
    run->data.versions[i] = DATA_NEVER_WRITTEN;
  run_open(run, false);
  prepare_operations(run, plan->writes, &(struct mix){.insert = 100});
  run_check(engine, engine->set_durable(run->store, true), "put");
  run->workers[0].loop.stores = true;
  const struct output_result result = run_workers(run, loop_over_operations);
  run_settle_account(run, 1);
  run_close(run);
  /* A part of them would weigh what the smallest store weighs. */
  if (result.operations == plan->writes) report_space(run, "space-durable");
  run->plan = plan;
}
