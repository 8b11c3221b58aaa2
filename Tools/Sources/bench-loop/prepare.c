/* prepare.c - see prepare.h. */
#include "prepare.h"

/* A thread's keys while its operations are made. */
struct keys {
  uint64_t thread, threads;
  uint64_t count;    /* its keys so far */
  uint64_t ranked;   /* those that were there before the first operation */
};

static uint64_t choose(struct run *run, const struct keys *keys, enum choice choice) {
  struct data *data = &run->data;
  uint64_t index = 0;
  if (choice == UNIFORM) {
    index = data_random(data, keys->count);
  } else {
    const double uniform = (double)data_random(data, UINT64_C(1) << 32) / 4294967296.0;
    const uint64_t rank = zipf_rank(&run->zipf, uniform);
    index = choice == LATEST ? keys->count - 1 - rank : data_mix(rank) % keys->ranked;
  }
  return index * keys->threads + keys->thread;
}

static void prepare_scan(struct run *run, struct operation *operation, uint64_t number,
                         const struct mix *mix) {
  data_prepare_get(&run->data, operation, number);
  operation->kind = OPERATION_SCAN;
  operation->limit = (uint16_t)(mix->scan_limit_is_range
                                    ? 1 + data_random(&run->data, mix->scan_limit)
                                    : mix->scan_limit);
}

static void prepare_one(struct run *run, struct keys *keys, struct operation *operation,
                        uint64_t index, const struct mix *mix) {
  struct data *data = &run->data;
  unsigned kind = (unsigned)data_random(data, 100);
  /* What a new key's number is where nothing is drawn: a load needs no generator. */
  if (kind < mix->insert) {
    data_prepare_put(data, operation, keys->count++ * keys->threads + keys->thread);
    return;
  }
  kind -= mix->insert;
  if (kind < mix->miss) {
    data_prepare_miss(operation, index);
    return;
  }
  kind -= mix->miss;
  const uint64_t number = choose(run, keys, mix->choice);
  if (kind < mix->get) {
    data_prepare_get(data, operation, number);
    return;
  }
  kind -= mix->get;
  if (kind < mix->scan) {
    prepare_scan(run, operation, number, mix);
    return;
  }
  kind -= mix->scan;
  const uint64_t digest = kind < mix->modify ? data_digest(data, number) : 0;
  data_prepare_put(data, operation, number);
  if (kind < mix->modify) {
    operation->kind = OPERATION_MODIFY;
    operation->digest = digest;
  }
}

static struct worker *assign(struct run *run, uint64_t thread, uint64_t first, uint64_t count) {
  struct worker *worker = &run->workers[thread];
  *worker = (struct worker){.engine = run->engine,
                            .plan = run->plan,
                            .operations = run->operations + first,
                            .operation_count = count};
  worker->loop = (struct loop){.samples = run->samples + first,
                               .count = count,
                               .time_limit = run->time_limit,
                               /* Several threads are timed by the wall, stamps included. */
                               .more_plain = run->plan->threads > 1 ? 6 : 0};
  return worker;
}

void prepare_operations(struct run *run, uint64_t count, const struct mix *mix) {
  const uint64_t threads = run->plan->threads, room = run->data.capacity - run->data.key_count;
  if (mix->insert == 100 && count > room) count = room;
  if (count > run->capacity) fail("%llu operations are too many", (unsigned long long)count);
  const uint64_t part = count / threads > 0 ? count / threads : 1;
  const uint64_t keys_of_thread = run->data.key_count / threads;
  if (mix->choice != UNIFORM) zipf_prepare(&run->zipf, keys_of_thread);
  for (uint64_t thread = 0; thread < threads; thread++) {
    struct keys keys = {thread, threads, keys_of_thread, keys_of_thread};
    struct worker *worker = assign(run, thread, thread * part, part);
    for (uint64_t i = 0; i < part; i++)
      prepare_one(run, &keys, &worker->operations[i], thread * part + i, mix);
  }
}

void prepare_deletions(struct run *run) {
  const uint64_t threads = run->plan->threads, part = run->data.key_count / threads;
  if (part * threads > run->capacity) fail("too many keys to delete");
  for (uint64_t thread = 0; thread < threads; thread++) {
    struct worker *worker = assign(run, thread, thread * part, part);
    for (uint64_t i = 0; i < part; i++) {
      struct operation *operation = &worker->operations[i];
      /* A random order, built as it grows. */
      const uint64_t other = data_random(&run->data, i + 1);
      *operation = worker->operations[other];
      data_prepare_get(&run->data, &worker->operations[other], i * threads + thread);
      worker->operations[other].kind = OPERATION_ERASE;
    }
  }
}
