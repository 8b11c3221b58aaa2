/*
 * engine_tkrzw.c - Tkrzw through its C interface, with its default parameters: HashDBM, which has no
 * order, and TreeDBM. Values are read where they lie, by a record processor.
 *
 * Neither has a transaction of several puts that a crash leaves whole or not at all. What a killed
 * program left is restored when it is opened for writing, not for reading: records
 * that were synced before, and moved since, may then be gone; the driver counts them.
 */
#include "../engine.h"
#include "../output.h"

#include <stdio.h>
#include <stdlib.h>
#include <tkrzw_langc.h>

struct store {
  TkrzwDBM *database;
  size_t value_length;
  int durable;
};

static int failure(const char *call) {
  return engine_failure("tkrzw", call, tkrzw_get_last_status_message());
}

/* The file's suffix says which kind it is. */
static int open_store(const struct engine_setup *setup, const char *file, void **result) {
  char path[4096];
  struct store *store = calloc(1, sizeof *store);
  if (store == NULL) return engine_failure("tkrzw", "calloc", "out of memory");
  store->value_length = setup->value_length;
  snprintf(path, sizeof path, "%s/%s", setup->directory, file);
  store->database = tkrzw_dbm_open(path, !setup->read_only, "");
  *result = store;
  return store->database != NULL ? ENGINE_DONE : failure("tkrzw_dbm_open");
}

static int open_hash(const struct engine_setup *setup, void **result) {
  return open_store(setup, "store.tkh", result);
}

static int open_tree(const struct engine_setup *setup, void **result) {
  return open_store(setup, "store.tkt", result);
}

static int close_store(void *opaque) {
  struct store *store = opaque;
  bool is_closed = tkrzw_dbm_close(store->database);
  free(store);
  return is_closed ? ENGINE_DONE : failure("tkrzw_dbm_close");
}

static void describe(void *store) {
  (void)store;
  output_fact("version", "Tkrzw %s", TKRZW_PACKAGE_VERSION);
  output_fact("settings", "default parameters; durable: a hard synchronize after each put; buffered: "
              "one hard synchronize at the end");
}

static int set_durable(void *opaque, int durable) {
  ((struct store *)opaque)->durable = durable;
  return ENGINE_DONE;
}

static int sync_store(void *opaque) {
  return tkrzw_dbm_synchronize(((struct store *)opaque)->database, true, NULL, NULL, "")
             ? ENGINE_DONE
             : failure("tkrzw_dbm_synchronize");
}

static int settle(void *opaque) {
  return tkrzw_dbm_rebuild(((struct store *)opaque)->database, "") ? ENGINE_DONE
                                                                  : failure("tkrzw_dbm_rebuild");
}

static int put(void *opaque, const struct operation *operation) {
  struct store *store = opaque;
  if (!tkrzw_dbm_set(store->database, (const char *)operation->key, KEY_LENGTH,
                     (const char *)operation->value, (int32_t)store->value_length, true))
    return failure("tkrzw_dbm_set");
  return store->durable ? sync_store(store) : ENGINE_DONE;
}

struct visit {
  uint64_t digest;
  int is_found;
};

static const char *visit_value(void *context, const char *key, int32_t key_length,
                               const char *value, int32_t value_length, int32_t *new_length) {
  struct visit *visit = context;
  (void)key, (void)key_length, (void)new_length;
  visit->is_found = value != NULL;
  if (value != NULL) visit->digest = value_digest(value, (size_t)value_length);
  return TKRZW_REC_PROC_NOOP;
}

static int get(void *opaque, const struct operation *operation, uint64_t *digest) {
  struct store *store = opaque;
  struct visit visit = {0};
  if (!tkrzw_dbm_process(store->database, (const char *)operation->key, KEY_LENGTH, visit_value,
                         &visit, false))
    return failure("tkrzw_dbm_process");
  *digest = visit.digest;
  return visit.is_found ? ENGINE_DONE : ENGINE_NOT_FOUND;
}

static int erase(void *opaque, const struct operation *operation) {
  struct store *store = opaque;
  if (tkrzw_dbm_remove(store->database, (const char *)operation->key, KEY_LENGTH))
    return ENGINE_DONE;
  return tkrzw_get_last_status_code() == TKRZW_STATUS_NOT_FOUND_ERROR
             ? ENGINE_NOT_FOUND
             : failure("tkrzw_dbm_remove");
}

static const char *visit_entry(void *context, const char *key, int32_t key_length,
                               const char *value, int32_t value_length, int32_t *new_length) {
  (void)key_length, (void)new_length;
  scan_entry(context, key, value, (size_t)value_length);
  return TKRZW_REC_PROC_NOOP;
}

static int scan_tree(void *opaque, struct scan *scan) {
  struct store *store = opaque;
  TkrzwDBMIter *iterator = tkrzw_dbm_make_iterator(store->database);
  bool is_there = scan->from == NULL
                      ? tkrzw_dbm_iter_first(iterator)
                      : tkrzw_dbm_iter_jump(iterator, (const char *)scan->from, KEY_LENGTH);
  while (is_there && scan->count < scan->limit)
    is_there = tkrzw_dbm_iter_process(iterator, visit_entry, scan, false) &&
               tkrzw_dbm_iter_next(iterator);
  const bool is_end = tkrzw_get_last_status_code() == TKRZW_STATUS_NOT_FOUND_ERROR;
  tkrzw_dbm_iter_free(iterator);
  return is_there || is_end ? ENGINE_DONE : failure("tkrzw_dbm_iter_process");
}

#define DURABILITY                                                                             \
  "msync or fsync of the file (on tmpfs they do nothing); no line is written back or fenced; what " \
  "was overwritten in place can be torn"

const struct engine engine_tkrzw_hash = {
    .name = "tkrzw-hash",
    .read_check = "nothing: by default its records carry no checksums",
    .durability = DURABILITY,
    .loses_when_killed = 1,
    .reads_only = READS_ONLY_AFTER_CLOSE,
    .open = open_hash,
    .close = close_store,
    .describe = describe,
    .set_durable = set_durable,
    .sync = sync_store,
    .settle = settle,
    .put = put,
    .get = get,
    .erase = erase,
};

const struct engine engine_tkrzw_tree = {
    .name = "tkrzw-tree",
    .read_check = "nothing: by default its records carry no checksums",
    .durability = DURABILITY,
    .loses_when_killed = 1,
    .reads_only = READS_ONLY_AFTER_CLOSE,
    .open = open_tree,
    .close = close_store,
    .describe = describe,
    .set_durable = set_durable,
    .sync = sync_store,
    .settle = settle,
    .put = put,
    .get = get,
    .erase = erase,
    .scan = scan_tree,
};
