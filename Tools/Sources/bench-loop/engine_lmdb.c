/*
 * engine_lmdb.c - LMDB with the settings that its documentation recommends for each medium.
 *
 * tmpfs: MDB_WRITEMAP, so that a commit stores into the mapping; its msync costs next to nothing
 * there. Disk: LMDB's default (pages by pwrite, one fdatasync, then the meta page). What need not be
 * durable before the next sync is committed with MDB_NOSYNC. A get renews its read transaction, as a
 * program does that wants the newest state.
 */
#include "engine.h"
#include "output.h"

#include <lmdb.h>
#include <stdlib.h>

struct store {
  MDB_env *environment;
  MDB_dbi database;
  size_t value_length;
  unsigned flags;
};

struct session {
  struct store *store;
  MDB_txn *reader;
  MDB_cursor *cursor;
};

static int failure(const char *call, int error) {
  return engine_failure("lmdb", call, mdb_strerror(error));
}

static int open_handles(struct store *store, const struct engine_setup *setup) {
  /* A leaf page of 4 KiB may be half full, and pages wait for reuse: much address space, which
   * costs nothing. */
  size_t map_size = ((size_t)1 << 30) + setup->peak_entries * (setup->value_length + 64) * 4;
  int error = mdb_env_create(&store->environment);
  if (error != 0) return failure("mdb_env_create", error);
  if ((error = mdb_env_set_mapsize(store->environment, map_size)) != 0)
    return failure("mdb_env_set_mapsize", error);
  if ((error = mdb_env_open(store->environment, setup->directory, store->flags, 0644)) != 0)
    return failure("mdb_env_open", error);
  MDB_txn *transaction;
  const unsigned read_only = store->flags & MDB_RDONLY;
  if ((error = mdb_txn_begin(store->environment, NULL, read_only, &transaction)) != 0)
    return failure("mdb_txn_begin", error);
  if ((error = mdb_dbi_open(transaction, NULL, 0, &store->database)) != 0)
    return failure("mdb_dbi_open", error);
  if ((error = mdb_txn_commit(transaction)) != 0) return failure("mdb_txn_commit", error);
  return ENGINE_DONE;
}

static int open_store(const struct engine_setup *setup, void **result) {
  struct store *store = calloc(1, sizeof *store);
  if (store == NULL) return engine_failure("lmdb", "calloc", "out of memory");
  store->value_length = setup->value_length;
  store->flags = setup->read_only ? MDB_RDONLY : setup->byte_addressable ? MDB_WRITEMAP : 0;
  *result = store;
  return open_handles(store, setup);
}

static int close_store(void *opaque) {
  struct store *store = opaque;
  int error = store->flags & MDB_RDONLY ? 0 : mdb_env_sync(store->environment, 1);
  mdb_env_close(store->environment);
  free(store);
  return error == 0 ? ENGINE_DONE : failure("mdb_env_sync", error);
}

static void describe(void *opaque) {
  struct store *store = opaque;
  output_fact("version", "%s", mdb_version(NULL, NULL, NULL));
  output_fact("settings", "%sdurable: sync at each commit%s; buffered: MDB_NOSYNC, one "
              "mdb_env_sync at the end; get: mdb_txn_renew/reset each",
              store->flags & MDB_WRITEMAP ? "MDB_WRITEMAP; " : "",
              store->flags & MDB_WRITEMAP ? " (msync, almost free on tmpfs)" : "");
}

static int set_durable(void *opaque, int durable) {
  struct store *store = opaque;
  int error = mdb_env_set_flags(store->environment, MDB_NOSYNC, !durable);
  return error == 0 ? ENGINE_DONE : failure("mdb_env_set_flags", error);
}

static int attach(void *opaque, void **result) {
  struct session *session = calloc(1, sizeof *session);
  if (session == NULL) return engine_failure("lmdb", "calloc", "out of memory");
  session->store = opaque;
  int error = mdb_txn_begin(session->store->environment, NULL, MDB_RDONLY, &session->reader);
  if (error != 0) return failure("mdb_txn_begin", error);
  error = mdb_cursor_open(session->reader, session->store->database, &session->cursor);
  if (error != 0) return failure("mdb_cursor_open", error);
  mdb_txn_reset(session->reader);
  *result = session;
  return ENGINE_DONE;
}

static int detach(void *opaque) {
  struct session *session = opaque;
  mdb_cursor_close(session->cursor);
  mdb_txn_abort(session->reader);
  free(session);
  return ENGINE_DONE;
}

static int put_batch(void *opaque, const struct operation *operations, size_t count) {
  const struct store *store = ((struct session *)opaque)->store;
  MDB_txn *transaction;
  int error = mdb_txn_begin(store->environment, NULL, 0, &transaction);
  if (error != 0) return failure("mdb_txn_begin", error);
  for (size_t i = 0; i < count; i++) {
    MDB_val key = {KEY_LENGTH, (void *)operations[i].key};
    MDB_val value = {store->value_length, (void *)operations[i].value};
    error = mdb_put(transaction, store->database, &key, &value, 0);
    if (error != 0) {
      mdb_txn_abort(transaction);
      return failure("mdb_put", error);
    }
  }
  error = mdb_txn_commit(transaction);
  return error == 0 ? ENGINE_DONE : failure("mdb_txn_commit", error);
}

static int put(void *opaque, const struct operation *operation) {
  return put_batch(opaque, operation, 1);
}

/* Under one renewal of the read transaction. */
static int get_many(void *opaque, const struct operation *operations, size_t count,
                    uint64_t *digests) {
  struct session *session = opaque;
  int error = mdb_txn_renew(session->reader);
  if (error != 0) return failure("mdb_txn_renew", error);
  for (size_t i = 0; i < count && error == 0; i++) {
    MDB_val key = {KEY_LENGTH, (void *)operations[i].key};
    MDB_val value;
    error = mdb_get(session->reader, session->store->database, &key, &value);
    if (error == 0) digests[i] = value_digest(value.mv_data, value.mv_size);
  }
  mdb_txn_reset(session->reader);
  if (error == 0) return ENGINE_DONE;
  return error == MDB_NOTFOUND ? ENGINE_NOT_FOUND : failure("mdb_get", error);
}

static int get(void *opaque, const struct operation *operation, uint64_t *digest) {
  return get_many(opaque, operation, 1, digest);
}

static int erase(void *opaque, const struct operation *operation) {
  const struct store *store = ((struct session *)opaque)->store;
  MDB_val key = {KEY_LENGTH, (void *)operation->key};
  MDB_txn *transaction;
  int error = mdb_txn_begin(store->environment, NULL, 0, &transaction);
  if (error != 0) return failure("mdb_txn_begin", error);
  error = mdb_del(transaction, store->database, &key, NULL);
  if (error != 0) {
    mdb_txn_abort(transaction);
    return error == MDB_NOTFOUND ? ENGINE_NOT_FOUND : failure("mdb_del", error);
  }
  error = mdb_txn_commit(transaction);
  return error == 0 ? ENGINE_DONE : failure("mdb_txn_commit", error);
}

static int scan_store(void *opaque, struct scan *scan) {
  struct session *session = opaque;
  int error = mdb_txn_renew(session->reader);
  if (error != 0) return failure("mdb_txn_renew", error);
  error = mdb_cursor_renew(session->reader, session->cursor);
  if (error != 0) return failure("mdb_cursor_renew", error);
  MDB_val key = {KEY_LENGTH, (void *)scan->from}, value;
  MDB_cursor_op step = scan->from == NULL ? MDB_FIRST : MDB_SET_RANGE;
  while (scan->count < scan->limit) {
    error = mdb_cursor_get(session->cursor, &key, &value, step);
    if (error != 0) break;
    scan_entry(scan, key.mv_data, value.mv_data, value.mv_size);
    step = MDB_NEXT;
  }
  mdb_txn_reset(session->reader);
  return error == 0 || error == MDB_NOTFOUND ? ENGINE_DONE : failure("mdb_cursor_get", error);
}

static int sync_store(void *opaque) {
  int error = mdb_env_sync(((struct store *)opaque)->environment, 1);
  return error == 0 ? ENGINE_DONE : failure("mdb_env_sync", error);
}

const struct engine engine_lmdb = {
    .name = "lmdb",
    .read_check = "nothing: it keeps no checksums",
    .durability = "the kernel's word: msync or fdatasync; on tmpfs both do nothing, and no line is "
                  "written back or fenced",
    .reads_only = READS_ONLY_ALWAYS,
    .open = open_store,
    .close = close_store,
    .describe = describe,
    .set_durable = set_durable,
    .sync = sync_store,
    .attach = attach,
    .detach = detach,
    .put = put,
    .put_batch = put_batch,
    .get = get,
    .get_many = get_many,
    .erase = erase,
    .scan = scan_store,
};
