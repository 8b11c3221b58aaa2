/* engines.c - the list of engines. */
#include "engine.h"

#include <stdio.h>

extern const struct engine engine_fenceline;
extern const struct engine engine_lmdb;

/* Linked in only where the driver is built with them: see Tools/lib/peers.sh. */
#define OPTIONAL_ENGINE(name) extern const struct engine name __attribute__((weak))
OPTIONAL_ENGINE(engine_rocksdb);
OPTIONAL_ENGINE(engine_leveldb);
OPTIONAL_ENGINE(engine_sqlite);
OPTIONAL_ENGINE(engine_tkrzw_hash);
OPTIONAL_ENGINE(engine_tkrzw_tree);
OPTIONAL_ENGINE(engine_pmemlog);

static const struct engine *const engines[] = {
    &engine_fenceline, &engine_lmdb,       &engine_rocksdb,    &engine_leveldb,
    &engine_sqlite,    &engine_tkrzw_hash, &engine_tkrzw_tree, &engine_pmemlog,
};

const struct engine *engine_named(const char *name) {
  for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
    if (engines[i] != NULL && strcmp(engines[i]->name, name) == 0) return engines[i];
  }
  return NULL;
}

int engine_failure(const char *engine, const char *call, const char *reason) {
  fprintf(stderr, "bench-loop: %s: %s: %s\n", engine, call, reason);
  return ENGINE_FAILED;
}
