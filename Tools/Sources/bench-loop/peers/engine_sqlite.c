/*
 * engine_sqlite.c - SQLite with a write-ahead log: one table of keys and values.
 *
 * Durable commits run with synchronous=FULL, buffered ones with NORMAL, which syncs at checkpoints
 * only; one checkpoint ends a workload. As its documentation recommends, the table is WITHOUT ROWID
 * where rows are short (a twentieth of a page). Each thread has a connection of its own.
 */
#include "../engine.h"
#include "../output.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_FOR_WITHOUT_ROWID = 200, BUSY_MILLISECONDS = 10000 };

struct store {
  sqlite3 *connection;
  char path[4096];
  size_t value_length;
  int durable, read_only;
};

enum statement { PUT, GET, ERASE, WALK_ALL, WALK_FROM, BEGIN, COMMIT, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [PUT] = "INSERT OR REPLACE INTO entries (key, value) VALUES (?1, ?2)",
    [GET] = "SELECT value FROM entries WHERE key = ?1",
    [ERASE] = "DELETE FROM entries WHERE key = ?1",
    [WALK_ALL] = "SELECT key, value FROM entries ORDER BY key",
    [WALK_FROM] = "SELECT key, value FROM entries WHERE key >= ?1 ORDER BY key",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
};

struct session {
  struct store *store;
  sqlite3 *connection;
  sqlite3_stmt *statements[STATEMENTS];
};

static int failure(sqlite3 *connection, const char *call) {
  return engine_failure("sqlite", call, sqlite3_errmsg(connection));
}

static int execute(sqlite3 *connection, const char *text) {
  return sqlite3_exec(connection, text, NULL, NULL, NULL) == SQLITE_OK ? ENGINE_DONE
                                                                       : failure(connection, text);
}

static int connect(const struct store *store, sqlite3 **connection) {
  int flags = store->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2(store->path, connection, flags, NULL) != SQLITE_OK)
    return failure(*connection, "sqlite3_open_v2");
  sqlite3_busy_timeout(*connection, BUSY_MILLISECONDS);
  return ENGINE_DONE;
}

static int open_store(const struct engine_setup *setup, void **result) {
  struct store *store = calloc(1, sizeof *store);
  if (store == NULL) return engine_failure("sqlite", "calloc", "out of memory");
  snprintf(store->path, sizeof store->path, "%s/store.sqlite", setup->directory);
  store->value_length = setup->value_length;
  store->read_only = setup->read_only;
  *result = store;
  if (connect(store, &store->connection) != ENGINE_DONE) return ENGINE_FAILED;
  if (setup->read_only) return ENGINE_DONE;
  if (execute(store->connection, "PRAGMA journal_mode=WAL") != ENGINE_DONE) return ENGINE_FAILED;
  const int is_short = KEY_LENGTH + setup->value_length <= MOST_FOR_WITHOUT_ROWID;
  return execute(store->connection,
                 is_short ? "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB "
                            "NOT NULL) WITHOUT ROWID"
                          : "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB "
                            "NOT NULL)");
}

static int close_store(void *opaque) {
  struct store *store = opaque;
  int result = sqlite3_close(store->connection);
  free(store);
  return result == SQLITE_OK ? ENGINE_DONE
                             : engine_failure("sqlite", "sqlite3_close", sqlite3_errstr(result));
}

static void describe(void *store) {
  (void)store;
  output_fact("version", "SQLite %s", sqlite3_libversion());
  output_fact("settings", "WAL; durable: synchronous=FULL; buffered: synchronous=NORMAL, one "
              "checkpoint at the end; cache and checkpoints as by default");
}

static int set_durable(void *opaque, int durable) {
  ((struct store *)opaque)->durable = durable;
  return ENGINE_DONE;
}

static int sync_store(void *opaque) {
  struct store *store = opaque;
  if (execute(store->connection, "PRAGMA synchronous=FULL") != ENGINE_DONE) return ENGINE_FAILED;
  int result = sqlite3_wal_checkpoint_v2(store->connection, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
  return result == SQLITE_OK ? ENGINE_DONE
                             : failure(store->connection, "sqlite3_wal_checkpoint_v2");
}

static int settle(void *opaque) {
  struct store *store = opaque;
  if (execute(store->connection, "VACUUM") != ENGINE_DONE) return ENGINE_FAILED;
  return execute(store->connection, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static int attach(void *opaque, void **result) {
  struct session *session = calloc(1, sizeof *session);
  if (session == NULL) return engine_failure("sqlite", "calloc", "out of memory");
  session->store = opaque;
  *result = session;
  if (connect(session->store, &session->connection) != ENGINE_DONE) return ENGINE_FAILED;
  if (execute(session->connection, session->store->durable ? "PRAGMA synchronous=FULL"
                                                           : "PRAGMA synchronous=NORMAL"))
    return ENGINE_FAILED;
  for (int i = 0; i < STATEMENTS; i++) {
    if (sqlite3_prepare_v3(session->connection, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                           &session->statements[i], NULL) != SQLITE_OK)
      return failure(session->connection, texts[i]);
  }
  return ENGINE_DONE;
}

static int detach(void *opaque) {
  struct session *session = opaque;
  for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(session->statements[i]);
  int result = sqlite3_close(session->connection);
  free(session);
  return result == SQLITE_OK ? ENGINE_DONE
                             : engine_failure("sqlite", "sqlite3_close", sqlite3_errstr(result));
}

static void bind(sqlite3_stmt *statement, int index, const void *bytes, size_t length) {
  sqlite3_bind_blob(statement, index, bytes, (int)length, SQLITE_STATIC);
}

/* Runs a statement that gives no rows. */
static int run(struct session *session, enum statement which) {
  sqlite3_stmt *statement = session->statements[which];
  int result = sqlite3_step(statement);
  sqlite3_reset(statement);
  return result == SQLITE_DONE ? ENGINE_DONE : failure(session->connection, texts[which]);
}

static int put(void *opaque, const struct operation *operation) {
  struct session *session = opaque;
  bind(session->statements[PUT], 1, operation->key, KEY_LENGTH);
  bind(session->statements[PUT], 2, operation->value, session->store->value_length);
  return run(session, PUT);
}

static int put_batch(void *opaque, const struct operation *operations, size_t count) {
  if (run(opaque, BEGIN) != ENGINE_DONE) return ENGINE_FAILED;
  for (size_t i = 0; i < count; i++) {
    if (put(opaque, &operations[i]) != ENGINE_DONE) return ENGINE_FAILED;
  }
  return run(opaque, COMMIT);
}

static int get(void *opaque, const struct operation *operation, uint64_t *digest) {
  struct session *session = opaque;
  sqlite3_stmt *statement = session->statements[GET];
  bind(statement, 1, operation->key, KEY_LENGTH);
  int result = sqlite3_step(statement);
  if (result == SQLITE_ROW) {
    const void *value = sqlite3_column_blob(statement, 0);
    *digest = value_digest(value, (size_t)sqlite3_column_bytes(statement, 0));
  }
  sqlite3_reset(statement);
  if (result == SQLITE_ROW) return ENGINE_DONE;
  return result == SQLITE_DONE ? ENGINE_NOT_FOUND : failure(session->connection, texts[GET]);
}

static int erase(void *opaque, const struct operation *operation) {
  struct session *session = opaque;
  bind(session->statements[ERASE], 1, operation->key, KEY_LENGTH);
  if (run(session, ERASE) != ENGINE_DONE) return ENGINE_FAILED;
  return sqlite3_changes(session->connection) == 1 ? ENGINE_DONE : ENGINE_NOT_FOUND;
}

static int scan_store(void *opaque, struct scan *scan) {
  struct session *session = opaque;
  sqlite3_stmt *statement = session->statements[scan->from == NULL ? WALK_ALL : WALK_FROM];
  int result = SQLITE_ROW;
  if (scan->from != NULL) bind(statement, 1, scan->from, KEY_LENGTH);
  while (scan->count < scan->limit && (result = sqlite3_step(statement)) == SQLITE_ROW) {
    const void *key = sqlite3_column_blob(statement, 0), *value = sqlite3_column_blob(statement, 1);
    scan_entry(scan, key, value, (size_t)sqlite3_column_bytes(statement, 1));
  }
  sqlite3_reset(statement);
  return result == SQLITE_ROW || result == SQLITE_DONE
             ? ENGINE_DONE
             : failure(session->connection, "SELECT");
}

const struct engine engine_sqlite = {
    .name = "sqlite",
    .read_check = "nothing: its pages carry no checksums (the frames of its log do)",
    .durability = "one sync of its log; on tmpfs that does nothing, and no line is written back or "
                  "fenced",
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
    .erase = erase,
    .scan = scan_store,
};
