/* run.c - see run.h. */
#include "run.h"

#include <pthread.h>
#include <stdlib.h>

void run_check(const struct engine *engine, int result, const char *what) {
  if (result == ENGINE_NOT_FOUND) fail("%s: %s: a key is missing", engine->name, what);
  if (result != ENGINE_DONE) exit(1);
}

void run_open(struct run *run, bool read_only) {
  struct engine_setup setup = run->plan->setup;
  setup.read_only = read_only;
  run_check(run->engine, run->engine->open(&setup, &run->store), "open");
}

void run_close(struct run *run) {
  run_check(run->engine, run->engine->close(run->store), "close");
  run->store = NULL;
}

void *run_attach(const struct engine *engine, void *store) {
  void *session = store;
  if (engine->attach != NULL) run_check(engine, engine->attach(store, &session), "attach");
  return session;
}

void run_detach(const struct engine *engine, void *session) {
  if (engine->detach != NULL) run_check(engine, engine->detach(session), "detach");
}

struct thread {
  pthread_t handle;
  pthread_barrier_t *start;
  struct worker *worker;
  void *store;
  worker_loop loop;
};

static void *work(void *opaque) {
  struct thread *thread = opaque;
  struct worker *worker = thread->worker;
  worker->session = run_attach(worker->engine, thread->store);
  if (thread->start != NULL) pthread_barrier_wait(thread->start);
  worker->result = thread->loop(worker);
  run_detach(worker->engine, worker->session);
  return NULL;
}

struct output_result run_workers(struct run *run, worker_loop loop) {
  struct thread threads[MOST_THREADS];
  pthread_barrier_t start;
  const unsigned count = run->plan->threads;
  if (count == 1) {
    threads[0] = (struct thread){.worker = run->workers, .store = run->store, .loop = loop};
    work(threads);
    return run->workers[0].result;
  }
  pthread_barrier_init(&start, NULL, count);
  for (unsigned i = 0; i < count; i++) {
    threads[i] = (struct thread){
        .start = &start, .worker = &run->workers[i], .store = run->store, .loop = loop};
    if (pthread_create(&threads[i].handle, NULL, work, &threads[i]) != 0) fail("pthread_create");
  }
  struct output_result results[MOST_THREADS];
  for (unsigned i = 0; i < count; i++) {
    pthread_join(threads[i].handle, NULL);
    results[i] = run->workers[i].result;
  }
  pthread_barrier_destroy(&start);
  return output_together(results, count, run->samples);
}

static bool is_write(const struct operation *operation) {
  return operation->kind == OPERATION_PUT || operation->kind == OPERATION_MODIFY;
}

/* Takes back what a worker did not come to; returns how many new keys it put. */
static uint64_t settle_worker(struct run *run, struct worker *worker, uint64_t done) {
  uint64_t new_keys = 0;
  for (uint64_t i = worker->operation_count; i > done; i--) {
    const struct operation *operation = &worker->operations[i - 1];
    if (is_write(operation)) data_take_back(&run->data, operation);
  }
  for (uint64_t i = 0; i < done; i++) {
    const struct operation *operation = &worker->operations[i];
    if (is_write(operation) && operation->previous == DATA_NEVER_WRITTEN) new_keys++;
  }
  return new_keys;
}

void run_settle_account(struct run *run, uint64_t operations_per_step) {
  const uint64_t threads = run->plan->threads, first = run->data.key_count;
  uint64_t most = 0;
  for (uint64_t i = 0; i < threads; i++) {
    struct worker *worker = &run->workers[i];
    const uint64_t done = worker->result.operations * operations_per_step;
    const uint64_t new_keys = settle_worker(run, worker, done);
    if (new_keys > most) most = new_keys;
  }
  run->data.key_count = first + most * threads;
  void *session = NULL;
  for (uint64_t number = first; number < run->data.key_count; number++) {
    if (run->data.versions[number] != DATA_NEVER_WRITTEN) continue;
    struct operation operation;
    if (session == NULL) session = run_attach(run->engine, run->store);
    data_prepare_put(&run->data, &operation, number);
    run_check(run->engine, run->engine->put(session, &operation), "put");
  }
  if (session != NULL) run_detach(run->engine, session);
}

uint64_t run_sync(struct run *run) {
  const uint64_t start = clock_nanoseconds();
  run_check(run->engine, run->engine->sync(run->store), "sync");
  clock_after_stores();
  return clock_nanoseconds() - start;
}

void run_report_once(struct run *run, const char *workload, uint64_t wall, uint64_t ticks) {
  run->samples[0] = clock_sample(ticks);
  output_result(workload, &(struct output_result){.operations = 1,
                                                  .wall_nanoseconds = wall,
                                                  .plain_operations = 1,
                                                  .plain_nanoseconds = wall,
                                                  .samples = run->samples,
                                                  .sample_count = 1});
}
