/*
 * engine.h - what a key-value store has to offer to be measured, and the one data set for all.
 *
 * An engine is one file with one table of functions. The loops in workloads.c call nothing else, so
 * every engine runs the same loop over the same keys and values in the same order. To add an engine,
 * write peers/engine_NAME.c, name its table in engines.c, and give Tools/lib/peers.sh its package
 * and library.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { KEY_LENGTH = 16 };

enum operation_kind {
  OPERATION_PUT, OPERATION_GET, OPERATION_MISS, OPERATION_MODIFY, OPERATION_SCAN, OPERATION_ERASE
};

/* One step of a workload, prepared before the clock starts; read in order, so that the driver adds
 * no cache miss of its own. Engines look at `key` and `value` only. */
struct operation {
  uint8_t key[KEY_LENGTH];
  const uint8_t *value;  /* what to put */
  uint64_t digest;       /* what a get has to find */
  uint32_t number;       /* of the key */
  uint32_t previous;     /* what data.h has kept of the key before this step writes it */
  uint16_t kind;         /* enum operation_kind */
  uint16_t limit;        /* entries of a scan */
};

struct engine_setup {
  const char *directory;   /* exists; empty before the first open */
  size_t value_length;
  uint64_t peak_entries;   /* entries ever there at once, for engines that fix their size */
  uint64_t appended;       /* entries ever written, for engines that never give space back */
  int byte_addressable;    /* the directory is on tmpfs: stores into a mapping need no file I/O */
  int read_only;           /* open an existing store for reading */
};

/* A walk over entries in the order of their keys. */
struct scan {
  const uint8_t *from;  /* the first key, or NULL for the store's first */
  size_t limit;         /* at most so many entries */
  /* What was found: */
  size_t count;
  uint64_t first, last;  /* the first eight bytes of keys as big-endian numbers */
  uint64_t digests;      /* the sum of the values' digests */
  int is_disordered;
};

enum { ENGINE_DONE = 0, ENGINE_NOT_FOUND = 1, ENGINE_FAILED = -1 };

/* When a store can be opened for reading only. */
enum reading { READS_ONLY_NEVER, READS_ONLY_AFTER_CLOSE, READS_ONLY_ALWAYS };

/* Every function gives ENGINE_DONE or, after a call of engine_failure, ENGINE_FAILED. One that is
 * NULL is something that the engine can't do: its workloads are left out. */
struct engine {
  const char *name;
  const char *read_check;   /* what a get verifies before it hands out a value */
  const char *durability;   /* what a durable commit does about the CPU's caches and the disk */
  int always_durable;       /* it has no commits that are not */
  int loses_when_killed;    /* after SIGKILL even keys can be gone that were synced long before */
  enum reading reads_only;  /* when `open` heeds setup->read_only */

  int (*open)(const struct engine_setup *setup, void **store);
  int (*close)(void *store);
  /* Reports facts (see output.h): version, settings, what the store says about its medium. */
  void (*describe)(void *store);
  /* Whether the commits of sessions that are attached from now on are durable on return, or at the
   * next `sync`. */
  int (*set_durable)(void *store, int durable);
  int (*sync)(void *store);
  /* Gives back all the space that the engine can give back. */
  int (*settle)(void *store);

  /* What a thread works with; called on that thread, while no clock runs. Both NULL: the store
   * itself. */
  int (*attach)(void *store, void **session);
  int (*detach)(void *session);

  /* One transaction. */
  int (*put)(void *session, const struct operation *operation);
  /* `count` puts in one transaction. */
  int (*put_batch)(void *session, const struct operation *operations, size_t count);
  /* Sees the newest committed state; ENGINE_NOT_FOUND where there is no value. Takes
   * `value_digest` of the value where it lies, or of the copy that the engine insists on. */
  int (*get)(void *session, const struct operation *operation, uint64_t *digest);
  /* Several gets at once; all keys exist. NULL: `get` is called for each. */
  int (*get_many)(void *session, const struct operation *operations, size_t count,
                  uint64_t *digests);
  /* One transaction; the key exists. */
  int (*erase)(void *session, const struct operation *operation);
  /* Calls scan_entry for each entry. */
  int (*scan)(void *session, struct scan *scan);
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

/* Takes in the next entry of a scan: its key and all of its value. */
static inline void scan_entry(struct scan *scan, const void *key, const void *value,
                              size_t value_length) {
  uint64_t word;
  memcpy(&word, key, sizeof word);
  word = __builtin_bswap64(word);
  if (scan->count++ == 0)
    scan->first = word;
  else if (word < scan->last)
    scan->is_disordered = 1;
  scan->last = word;
  scan->digests += value_digest(value, value_length);
}

#endif
