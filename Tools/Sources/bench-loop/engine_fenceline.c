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
  fenceline_operation operations[MOST_IN_BATCH];
};

static int failure(const char *call) {
  return engine_failure("fenceline", call, fenceline_last_error());
}

static int open_store(const struct engine_setup *setup, void **result) {
  struct store *store = calloc(1, sizeof *store);
  if (store == NULL) return engine_failure("fenceline", "calloc", "out of memory");
  store->value_length = setup->value_length;
  if (fenceline_open(setup->directory, NULL, &store->handle) != FENCELINE_DONE) {
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
  output_fact("settings", "defaults");
}

static int set_durable(void *opaque, int durable) {
  ((struct store *)opaque)->durable = durable;
  return ENGINE_DONE;
}

static int put_batch(void *opaque, const struct operation *operations, size_t count) {
  struct store *store = opaque;
  if (count > MOST_IN_BATCH) return engine_failure("fenceline", "put_batch", "batch too large");
  for (size_t i = 0; i < count; i++) {
    store->operations[i] = (fenceline_operation){
        .key = operations[i].key,
        .key_length = KEY_LENGTH,
        .value = operations[i].value,
        .value_length = store->value_length,
    };
  }
  return fenceline_write(store->handle, store->operations, count, store->durable) == FENCELINE_DONE
             ? ENGINE_DONE
             : failure("fenceline_write");
}

static int put(void *opaque, const struct operation *operation) {
  struct store *store = opaque;
  if (store->durable) return put_batch(opaque, operation, 1);
  return fenceline_put(store->handle, operation->key, KEY_LENGTH, operation->value,
                       store->value_length) == FENCELINE_DONE
             ? ENGINE_DONE
             : failure("fenceline_put");
}

static void visit(void *context, const void *value, size_t length) {
  *(uint64_t *)context = value_digest(value, length);
}

static int get(void *opaque, const struct operation *operation, uint64_t *digest) {
  struct store *store = opaque;
  int result = fenceline_read(store->handle, operation->key, KEY_LENGTH, visit, digest);
  if (result == FENCELINE_DONE) return ENGINE_DONE;
  return result == FENCELINE_NOT_FOUND ? ENGINE_NOT_FOUND : failure("fenceline_read");
}

static int erase(void *opaque, const struct operation *operation) {
  struct store *store = opaque;
  return fenceline_delete(store->handle, operation->key, KEY_LENGTH) == FENCELINE_DONE
             ? ENGINE_DONE
             : failure("fenceline_delete");
}

static int sync_store(void *opaque) {
  return fenceline_sync(((struct store *)opaque)->handle) == FENCELINE_DONE
             ? ENGINE_DONE
             : failure("fenceline_sync");
}

const struct engine engine_fenceline = {
    .name = "fenceline",
    .read_check = "a CRC32C over key, value and place, at every read",
    .open = open_store,
    .close = close_store,
    .describe = describe,
    .set_durable = set_durable,
    .put = put,
    .put_batch = put_batch,
    .get = get,
    .erase = erase,
    .sync = sync_store,
};
