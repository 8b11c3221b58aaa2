/*
 * engine_leveldb.c - LevelDB through its C interface, with its default options.
 *
 * Buffered writes go to its log without a sync; an empty write with a sync ends a workload. A get
 * copies the value out: the C interface has no other.
 */
#include "../engine.h"
#include "../output.h"

#include <leveldb/c.h>
#include <stdlib.h>

struct store {
  leveldb_options_t *options;
  leveldb_t *database;
  leveldb_readoptions_t *read;
  leveldb_writeoptions_t *write;
  size_t value_length;
};

static int failure(const char *call, char *error) {
  engine_failure("leveldb", call, error);
  leveldb_free(error);
  return ENGINE_FAILED;
}

static int open_store(const struct engine_setup *setup, void **result) {
  struct store *store = calloc(1, sizeof *store);
  char *error = NULL;
  if (store == NULL) return engine_failure("leveldb", "calloc", "out of memory");
  store->value_length = setup->value_length;
  store->options = leveldb_options_create();
  leveldb_options_set_create_if_missing(store->options, 1);
  store->read = leveldb_readoptions_create();
  store->write = leveldb_writeoptions_create();
  store->database = leveldb_open(store->options, setup->directory, &error);
  *result = store;
  return error == NULL ? ENGINE_DONE : failure("leveldb_open", error);
}

static int close_store(void *opaque) {
  struct store *store = opaque;
  leveldb_close(store->database);
  leveldb_writeoptions_destroy(store->write);
  leveldb_readoptions_destroy(store->read);
  leveldb_options_destroy(store->options);
  free(store);
  return ENGINE_DONE;
}

static void describe(void *store) {
  (void)store;
  output_fact("version", "LevelDB %d.%d", leveldb_major_version(), leveldb_minor_version());
  output_fact("settings", "default options; durable: WriteOptions.sync; buffered: log without a "
              "sync, one synced empty write at the end; compaction in the background");
}

static int set_durable(void *opaque, int durable) {
  leveldb_writeoptions_set_sync(((struct store *)opaque)->write, durable != 0);
  return ENGINE_DONE;
}

static int sync_store(void *opaque) {
  struct store *store = opaque;
  char *error = NULL;
  leveldb_writeoptions_t *synced = leveldb_writeoptions_create();
  leveldb_writebatch_t *nothing = leveldb_writebatch_create();
  leveldb_writeoptions_set_sync(synced, 1);
  leveldb_write(store->database, synced, nothing, &error);
  leveldb_writebatch_destroy(nothing);
  leveldb_writeoptions_destroy(synced);
  return error == NULL ? ENGINE_DONE : failure("leveldb_write", error);
}

static int settle(void *opaque) {
  leveldb_compact_range(((struct store *)opaque)->database, NULL, 0, NULL, 0);
  return ENGINE_DONE;
}

static int put(void *opaque, const struct operation *operation) {
  struct store *store = opaque;
  char *error = NULL;
  leveldb_put(store->database, store->write, (const char *)operation->key, KEY_LENGTH,
              (const char *)operation->value, store->value_length, &error);
  return error == NULL ? ENGINE_DONE : failure("leveldb_put", error);
}

static int put_batch(void *opaque, const struct operation *operations, size_t count) {
  struct store *store = opaque;
  char *error = NULL;
  leveldb_writebatch_t *batch = leveldb_writebatch_create();
  for (size_t i = 0; i < count; i++)
    leveldb_writebatch_put(batch, (const char *)operations[i].key, KEY_LENGTH,
                           (const char *)operations[i].value, store->value_length);
  leveldb_write(store->database, store->write, batch, &error);
  leveldb_writebatch_destroy(batch);
  return error == NULL ? ENGINE_DONE : failure("leveldb_write", error);
}

static int get(void *opaque, const struct operation *operation, uint64_t *digest) {
  struct store *store = opaque;
  char *error = NULL;
  size_t length;
  char *value = leveldb_get(store->database, store->read, (const char *)operation->key, KEY_LENGTH,
                            &length, &error);
  if (error != NULL) return failure("leveldb_get", error);
  if (value == NULL) return ENGINE_NOT_FOUND;
  *digest = value_digest(value, length);
  leveldb_free(value);
  return ENGINE_DONE;
}

static int erase(void *opaque, const struct operation *operation) {
  struct store *store = opaque;
  char *error = NULL;
  leveldb_delete(store->database, store->write, (const char *)operation->key, KEY_LENGTH, &error);
  return error == NULL ? ENGINE_DONE : failure("leveldb_delete", error);
}

static int scan_store(void *opaque, struct scan *scan) {
  struct store *store = opaque;
  char *error = NULL;
  leveldb_iterator_t *iterator = leveldb_create_iterator(store->database, store->read);
  if (scan->from == NULL)
    leveldb_iter_seek_to_first(iterator);
  else
    leveldb_iter_seek(iterator, (const char *)scan->from, KEY_LENGTH);
  while (scan->count < scan->limit && leveldb_iter_valid(iterator)) {
    size_t key_length, value_length;
    const char *key = leveldb_iter_key(iterator, &key_length);
    const char *value = leveldb_iter_value(iterator, &value_length);
    scan_entry(scan, key, value, value_length);
    leveldb_iter_next(iterator);
  }
  leveldb_iter_get_error(iterator, &error);
  leveldb_iter_destroy(iterator);
  return error == NULL ? ENGINE_DONE : failure("leveldb_iter_next", error);
}

const struct engine engine_leveldb = {
    .name = "leveldb",
    .read_check = "nothing: ReadOptions.verify_checksums is off by default; its log and blocks carry "
                  "CRC32Cs",
    .durability = "fdatasync of its log; on tmpfs that does nothing, and no line is written back or "
                  "fenced",
    .open = open_store,
    .close = close_store,
    .describe = describe,
    .set_durable = set_durable,
    .sync = sync_store,
    .settle = settle,
    .put = put,
    .put_batch = put_batch,
    .get = get,
    .erase = erase,
    .scan = scan_store,
};
