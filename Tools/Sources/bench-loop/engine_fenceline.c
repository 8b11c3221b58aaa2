/* engine_fenceline.c - Fenceline through its C interface, as any program would call it. */
#include "engine.h"
#include "output.h"

#include <fenceline.h>
#include <stdlib.h>

enum { MOST_IN_BATCH = 1024 };

struct store {
  fenceline_store *handle;
  size_t value_length;
  int durable;
};

struct session {
  struct store *store;
  union {
    fenceline_operation operations[MOST_IN_BATCH];
    fenceline_key keys[MOST_IN_BATCH];
  };
};

static int failure(const char *call) {
  return engine_failure("fenceline", call, fenceline_last_error());
}

static int open_store(const struct engine_setup *setup, void **result) {
  struct store *store = calloc(1, sizeof *store);
  if (store == NULL) return engine_failure("fenceline", "calloc", "out of memory");
  store->value_length = setup->value_length;
  const fenceline_options options = {.size = sizeof options,
                                     .read_only = setup->read_only != 0};
  if (fenceline_open(setup->directory, &options, &store->handle) != FENCELINE_DONE) {
    free(store);
    return failure("fenceline_open");
  }
  *result = store;
  return ENGINE_DONE;
}

static int close_store(void *opaque) {
  struct store *store = opaque;
  int result = fenceline_close(store->handle);
  free(store);
  return result == FENCELINE_DONE ? ENGINE_DONE : failure("fenceline_close");
}

static void describe(void *opaque) {
  struct store *store = opaque;
  fenceline_store_statistics statistics = {.size = sizeof statistics};
  if (fenceline_statistics(store->handle, &statistics) != FENCELINE_DONE) return;
  static const char *const survivals[] = {"nothing", "process crash", "kernel crash",
                                          "power failure"};
  output_fact("medium", "%s%s", statistics.medium, statistics.is_forced ? ", forced" : "");
  output_fact("copy-policy", "%s", statistics.copy_policy);
  output_fact("durable-survives", "%s", survivals[statistics.durable_survival & 3]);
  output_fact("settings", "defaults; order is caught up at a scan, not maintained at each put");
}

static int set_durable(void *opaque, int durable) {
  ((struct store *)opaque)->durable = durable;
  return ENGINE_DONE;
}

static int attach(void *opaque, void **result) {
  struct session *session = malloc(sizeof *session);
  if (session == NULL) return engine_failure("fenceline", "malloc", "out of memory");
  session->store = opaque;
  *result = session;
  return ENGINE_DONE;
}

static int detach(void *session) {
  free(session);
  return ENGINE_DONE;
}

static int put_batch(void *opaque, const struct operation *operations, size_t count) {
  struct session *session = opaque;
  const struct store *store = session->store;
  if (count > MOST_IN_BATCH) return engine_failure("fenceline", "put_batch", "batch too large");
  for (size_t i = 0; i < count; i++) {
    session->operations[i] = (fenceline_operation){
        .key = operations[i].key,
        .key_length = KEY_LENGTH,
        .value = operations[i].value,
        .value_length = store->value_length,
    };
  }
  int result = fenceline_write(store->handle, session->operations, count, store->durable);
  return result == FENCELINE_DONE ? ENGINE_DONE : failure("fenceline_write");
}

static int put(void *opaque, const struct operation *operation) {
  const struct store *store = ((struct session *)opaque)->store;
  if (store->durable) return put_batch(opaque, operation, 1);
  int result = fenceline_put(store->handle, operation->key, KEY_LENGTH, operation->value,
                             store->value_length);
  return result == FENCELINE_DONE ? ENGINE_DONE : failure("fenceline_put");
}

static void visit(void *context, const void *value, size_t length) {
  *(uint64_t *)context = value_digest(value, length);
}

static int get(void *opaque, const struct operation *operation, uint64_t *digest) {
  const struct store *store = ((struct session *)opaque)->store;
  int result = fenceline_read(store->handle, operation->key, KEY_LENGTH, visit, digest);
  if (result == FENCELINE_DONE) return ENGINE_DONE;
  return result == FENCELINE_NOT_FOUND ? ENGINE_NOT_FOUND : failure("fenceline_read");
}

static void visit_one_of_many(void *context, size_t number, const void *value, size_t length) {
  /* No digest is all ones but by chance, and that is found: the driver compares. */
  ((uint64_t *)context)[number] = value == NULL ? UINT64_MAX : value_digest(value, length);
}

static int get_many(void *opaque, const struct operation *operations, size_t count,
                    uint64_t *digests) {
  struct session *session = opaque;
  if (count > MOST_IN_BATCH) return engine_failure("fenceline", "get_many", "too many keys");
  for (size_t i = 0; i < count; i++)
    session->keys[i] = (fenceline_key){.key = operations[i].key, .key_length = KEY_LENGTH};
  int result = fenceline_read_many(session->store->handle, session->keys, count, visit_one_of_many,
                                   digests);
  return result == FENCELINE_DONE ? ENGINE_DONE : failure("fenceline_read_many");
}

static int erase(void *opaque, const struct operation *operation) {
  const struct store *store = ((struct session *)opaque)->store;
  int result = fenceline_delete(store->handle, operation->key, KEY_LENGTH);
  if (result == FENCELINE_DONE) return ENGINE_DONE;
  return result == FENCELINE_NOT_FOUND ? ENGINE_NOT_FOUND : failure("fenceline_delete");
}

static int visit_entry(void *context, const void *key, size_t key_length, const void *value,
                       size_t value_length) {
  (void)key_length;
  scan_entry(context, key, value, value_length);
  return 0;
}

static int scan_store(void *opaque, struct scan *scan) {
  const struct store *store = ((struct session *)opaque)->store;
  int result = fenceline_scan(store->handle, scan->from, scan->from == NULL ? 0 : KEY_LENGTH, NULL,
                              0, FENCELINE_ASCENDING, scan->limit, visit_entry, scan);
  return result == FENCELINE_DONE ? ENGINE_DONE : failure("fenceline_scan");
}

static int sync_store(void *opaque) {
  int result = fenceline_sync(((struct store *)opaque)->handle);
  return result == FENCELINE_DONE ? ENGINE_DONE : failure("fenceline_sync");
}

static int settle(void *opaque) {
  int result = fenceline_compact(((struct store *)opaque)->handle);
  return result == FENCELINE_DONE ? ENGINE_DONE : failure("fenceline_compact");
}

const struct engine engine_fenceline = {
    .name = "fenceline",
    .read_check = "a CRC32C over key, value and place, at every read",
    .durability = "one fence, after each line was written back under the strict policy; on a disk "
                  "one fdatasync",
    .reads_only = READS_ONLY_ALWAYS,
    .open = open_store,
    .close = close_store,
    .describe = describe,
    .set_durable = set_durable,
    .sync = sync_store,
    .settle = settle,
    .attach = attach,
    .detach = detach,
    .put = put,
    .put_batch = put_batch,
    .get = get,
    .get_many = get_many,
    .erase = erase,
    .scan = scan_store,
};
