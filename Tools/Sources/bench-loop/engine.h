/*
 * engine.h - what a key-value store has to offer to be measured, and the one data set for all.
 *
 * An engine is one file with one table of functions. The loops in workloads.c call nothing else, so
 * every engine runs the same loop over the same keys and values in the same order. To add an engine,
 * write engine_NAME.c, name its table in engines.c, and give Tools/bench its package and library.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { KEY_LENGTH = 16 };

/* One step of a workload, prepared before the clock starts; read in order, so that the driver adds
 * no cache miss of its own. */
struct operation {
  uint8_t key[KEY_LENGTH];
  const uint8_t *value;  /* what to put */
  uint64_t digest;       /* what a get has to find */
};

struct engine_setup {
  const char *directory;   /* exists; empty before the first open */
  size_t value_length;
  uint64_t peak_entries;   /* entries ever written, for engines that fix their size beforehand */
  int byte_addressable;    /* the directory is on tmpfs: stores into a mapping need no file I/O */
};

enum { ENGINE_DONE = 0, ENGINE_NOT_FOUND = 1, ENGINE_FAILED = -1 };

/* Every function gives ENGINE_DONE or, after a call of engine_failure, ENGINE_FAILED. */
struct engine {
  const char *name;
  const char *read_check;  /* what a get verifies before it hands out a value */

  int (*open)(const struct engine_setup *setup, void **store);
  int (*close)(void *store);
  /* Reports facts (see output.h): version, settings, what the store says about its medium. */
  void (*describe)(void *store);

  /* Whether the commits that follow are durable on return, or at the next `sync`. */
  int (*set_durable)(void *store, int durable);
  /* One transaction. */
  int (*put)(void *store, const struct operation *operation);
  /* `count` puts in one transaction. */
  int (*put_batch)(void *store, const struct operation *operations, size_t count);
  /* Sees the newest committed state; ENGINE_NOT_FOUND where there is no value. Takes
   * `value_digest` of the value where it lies: no engine copies it out. */
  int (*get)(void *store, const struct operation *operation, uint64_t *digest);
  /* One transaction; the key exists. */
  int (*erase)(void *store, const struct operation *operation);
  int (*sync)(void *store);
};

/* NULL where there is no such engine. */
const struct engine *engine_named(const char *name);

/* Prints why an engine failed; returns ENGINE_FAILED. */
int engine_failure(const char *engine, const char *call, const char *reason);

/* What a reader does with a value: it loads a word of every 64 bytes and the last byte, so the whole
 * value comes into the cache, for every engine alike. The length is part of it. */
static inline uint64_t value_digest(const void *value, size_t length) {
  const uint8_t *bytes = value;
  uint64_t digest = length;
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= length; at += 64) {
    uint64_t word;
    memcpy(&word, bytes + at, sizeof word);
    digest = (digest << 7 | digest >> 57) ^ word;
  }
  return length == 0 ? digest : digest + bytes[length - 1];
}

#endif
