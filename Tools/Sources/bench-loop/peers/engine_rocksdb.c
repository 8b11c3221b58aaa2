/*
 * engine_rocksdb.c - RocksDB through its C interface, with its default options.
 *
 * Buffered writes go to its write-ahead log without a sync, one sync of the log ends a workload; a
 * durable write asks for that sync itself. Values are read where they lie (pinned slices).
 */
#include "../engine.h"
#include "../output.h"

#include <rocksdb/c.h>
#include <stdlib.h>

enum { MOST_AT_ONCE = 1024 };

struct store {
  rocksdb_options_t *options;
  rocksdb_t *database;
  rocksdb_column_family_handle_t *family;  /* the default one; the batched multi-get asks for it */
  rocksdb_readoptions_t *read;
  rocksdb_writeoptions_t *write;
  size_t value_length;
};

static int failure(const char *call, char *error) {
  engine_failure("rocksdb", call, error);
  rocksdb_free(error);
  return ENGINE_FAILED;
}

static int open_store(const struct engine_setup *setup, void **result) {
  struct store *store = calloc(1, sizeof *store);
  char *error = NULL;
  if (store == NULL) return engine_failure("rocksdb", "calloc", "out of memory");
  store->value_length = setup->value_length;
  store->options = rocksdb_options_create();
  rocksdb_options_set_create_if_missing(store->options, 1);
  store->read = rocksdb_readoptions_create();
  store->write = rocksdb_writeoptions_create();
  const char *const names[] = {"default"};
  const rocksdb_options_t *const options[] = {store->options};
  store->database = setup->read_only
                        ? rocksdb_open_for_read_only_column_families(
                              store->options, setup->directory, 1, names, options, &store->family,
                              0, &error)
                        : rocksdb_open_column_families(store->options, setup->directory, 1, names,
                                                       options, &store->family, &error);
  *result = store;
  return error == NULL ? ENGINE_DONE : failure("rocksdb_open", error);
}

static int close_store(void *opaque) {
  struct store *store = opaque;
  rocksdb_column_family_handle_destroy(store->family);
  rocksdb_close(store->database);
  rocksdb_writeoptions_destroy(store->write);
  rocksdb_readoptions_destroy(store->read);
  rocksdb_options_destroy(store->options);
  free(store);
  return ENGINE_DONE;
}

static void describe(void *store) {
  (void)store;
  /* Its C interface does not tell; Tools/lib/peers.sh does. */
  output_fact("version", "RocksDB %s", ROCKSDB_PACKAGE);
  output_fact("settings", "default options; durable: WriteOptions.sync; buffered: write-ahead log "
              "without a sync, one FlushWAL(sync) at the end; compaction in the background");
}

static int set_durable(void *opaque, int durable) {
  rocksdb_writeoptions_set_sync(((struct store *)opaque)->write, durable != 0);
  return ENGINE_DONE;
}

static int sync_store(void *opaque) {
  char *error = NULL;
  rocksdb_flush_wal(((struct store *)opaque)->database, 1, &error);
  return error == NULL ? ENGINE_DONE : failure("rocksdb_flush_wal", error);
}

static int settle(void *opaque) {
  rocksdb_compact_range(((struct store *)opaque)->database, NULL, 0, NULL, 0);
  return ENGINE_DONE;
}

static int put(void *opaque, const struct operation *operation) {
  struct store *store = opaque;
  char *error = NULL;
  rocksdb_put(store->database, store->write, (const char *)operation->key, KEY_LENGTH,
              (const char *)operation->value, store->value_length, &error);
  return error == NULL ? ENGINE_DONE : failure("rocksdb_put", error);
}

static int put_batch(void *opaque, const struct operation *operations, size_t count) {
  struct store *store = opaque;
  char *error = NULL;
  rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
  for (size_t i = 0; i < count; i++)
    rocksdb_writebatch_put(batch, (const char *)operations[i].key, KEY_LENGTH,
                           (const char *)operations[i].value, store->value_length);
  rocksdb_write(store->database, store->write, batch, &error);
  rocksdb_writebatch_destroy(batch);
  return error == NULL ? ENGINE_DONE : failure("rocksdb_write", error);
}

static int take(rocksdb_pinnableslice_t *slice, uint64_t *digest) {
  if (slice == NULL) return ENGINE_NOT_FOUND;
  size_t length;
  const char *value = rocksdb_pinnableslice_value(slice, &length);
  *digest = value_digest(value, length);
  rocksdb_pinnableslice_destroy(slice);
  return ENGINE_DONE;
}

static int get(void *opaque, const struct operation *operation, uint64_t *digest) {
  struct store *store = opaque;
  char *error = NULL;
  rocksdb_pinnableslice_t *slice = rocksdb_get_pinned(
      store->database, store->read, (const char *)operation->key, KEY_LENGTH, &error);
  return error == NULL ? take(slice, digest) : failure("rocksdb_get_pinned", error);
}

static int get_many(void *opaque, const struct operation *operations, size_t count,
                    uint64_t *digests) {
  struct store *store = opaque;
  const char *keys[MOST_AT_ONCE];
  size_t lengths[MOST_AT_ONCE];
  rocksdb_pinnableslice_t *slices[MOST_AT_ONCE];
  char *errors[MOST_AT_ONCE];
  int result = ENGINE_DONE;
  if (count == 0 || count > MOST_AT_ONCE)
    return engine_failure("rocksdb", "get_many", "too few or too many keys");
  size_t filled = 0;
  do {
    keys[filled] = (const char *)operations[filled].key;
    lengths[filled] = KEY_LENGTH;
  } while (++filled < count);
  rocksdb_batched_multi_get_cf(store->database, store->read, store->family, count, keys, lengths,
                               slices, errors, 0);
  for (size_t i = 0; i < count; i++) {
    if (errors[i] != NULL) return failure("rocksdb_batched_multi_get_cf", errors[i]);
    if (take(slices[i], &digests[i]) != ENGINE_DONE) result = ENGINE_NOT_FOUND;
  }
  return result;
}

static int erase(void *opaque, const struct operation *operation) {
  struct store *store = opaque;
  char *error = NULL;
  rocksdb_delete(store->database, store->write, (const char *)operation->key, KEY_LENGTH, &error);
  return error == NULL ? ENGINE_DONE : failure("rocksdb_delete", error);
}

static int scan_store(void *opaque, struct scan *scan) {
  struct store *store = opaque;
  char *error = NULL;
  rocksdb_iterator_t *iterator = rocksdb_create_iterator(store->database, store->read);
  if (scan->from == NULL)
    rocksdb_iter_seek_to_first(iterator);
  else
    rocksdb_iter_seek(iterator, (const char *)scan->from, KEY_LENGTH);
  while (scan->count < scan->limit && rocksdb_iter_valid(iterator)) {
    size_t key_length, value_length;
    const char *key = rocksdb_iter_key(iterator, &key_length);
    const char *value = rocksdb_iter_value(iterator, &value_length);
    scan_entry(scan, key, value, value_length);
    rocksdb_iter_next(iterator);
  }
  rocksdb_iter_get_error(iterator, &error);
  rocksdb_iter_destroy(iterator);
  return error == NULL ? ENGINE_DONE : failure("rocksdb_iter_next", error);
}

const struct engine engine_rocksdb = {
    .name = "rocksdb",
    .read_check = "a CRC32C over each block that comes from a file, not what its block cache holds",
    .durability = "fdatasync of its log; on tmpfs that does nothing, and no line is written back or "
                  "fenced",
    .reads_only = READS_ONLY_ALWAYS,
    .open = open_store,
    .close = close_store,
    .describe = describe,
    .set_durable = set_durable,
    .sync = sync_store,
    .settle = settle,
    .put = put,
    .put_batch = put_batch,
    .get = get,
    .get_many = get_many,
    .erase = erase,
    .scan = scan_store,
};
