/*
 * engine_pmemlog.c - libpmemlog: a log of a fixed size that can be appended to and nothing else. No
 * key is ever found again, so only its writing can be compared; every append is durable.
 */
#include "../engine.h"
#include "../output.h"

#include <errno.h>
#include <libpmemlog.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

struct store {
  PMEMlogpool *pool;
  size_t value_length;
};

static int failure(const char *call) { return engine_failure("pmemlog", call, pmemlog_errormsg()); }

static int open_store(const struct engine_setup *setup, void **result) {
  char path[4096];
  struct store *store = calloc(1, sizeof *store);
  if (store == NULL) return engine_failure("pmemlog", "calloc", "out of memory");
  const size_t size = setup->appended * (KEY_LENGTH + setup->value_length) + PMEMLOG_MIN_POOL;
  snprintf(path, sizeof path, "%s/log", setup->directory);
  store->value_length = setup->value_length;
  store->pool = pmemlog_create(path, size, 0644);
  if (store->pool == NULL && errno == EEXIST) store->pool = pmemlog_open(path);
  *result = store;
  return store->pool != NULL ? ENGINE_DONE : failure("pmemlog_create");
}

static int close_store(void *opaque) {
  pmemlog_close(((struct store *)opaque)->pool);
  free(opaque);
  return ENGINE_DONE;
}

static void describe(void *store) {
  (void)store;
  output_fact("version", "libpmemlog %s, interface %d.%d", PMEMLOG_PACKAGE, PMEMLOG_MAJOR_VERSION,
              PMEMLOG_MINOR_VERSION);
  output_fact("settings", "a pool for everything that is appended; load and durable put are alike");
}

static int set_durable(void *store, int durable) {
  (void)store, (void)durable;
  return ENGINE_DONE;
}

static int sync_store(void *store) {
  (void)store;
  return ENGINE_DONE;
}

static int put_batch(void *opaque, const struct operation *operations, size_t count) {
  enum { MOST_IN_BATCH = 512 };
  struct store *store = opaque;
  struct iovec pieces[2 * MOST_IN_BATCH];
  if (count > MOST_IN_BATCH) return engine_failure("pmemlog", "put_batch", "batch too large");
  for (size_t i = 0; i < count; i++) {
    pieces[2 * i] = (struct iovec){(void *)operations[i].key, KEY_LENGTH};
    pieces[2 * i + 1] = (struct iovec){(void *)operations[i].value, store->value_length};
  }
  return pmemlog_appendv(store->pool, pieces, (int)(2 * count)) == 0 ? ENGINE_DONE
                                                                     : failure("pmemlog_appendv");
}

static int put(void *opaque, const struct operation *operation) {
  return put_batch(opaque, operation, 1);
}

const struct engine engine_pmemlog = {
    .name = "pmemlog",
    .read_check = "there are no gets",
    .durability = "libpmem's copies and two fences (on a disk two msyncs): one for the data, one for "
                  "the log's end; pieces from 256 bytes on are streamed and not written back",
    .always_durable = 1,
    .open = open_store,
    .close = close_store,
    .describe = describe,
    .set_durable = set_durable,
    .sync = sync_store,
    .put = put,
    .put_batch = put_batch,
};
