/* engines.c - the list of engines. */
#include "engine.h"

#include <stdio.h>

extern const struct engine engine_fenceline;
extern const struct engine engine_lmdb;

static const struct engine *const engines[] = {&engine_fenceline, &engine_lmdb};

const struct engine *engine_named(const char *name) {
  for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
    if (strcmp(engines[i]->name, name) == 0) return engines[i];
  }
  return NULL;
}

int engine_failure(const char *engine, const char *call, const char *reason) {
  fprintf(stderr, "bench-loop: %s: %s: %s\n", engine, call, reason);
  return ENGINE_FAILED;
}
