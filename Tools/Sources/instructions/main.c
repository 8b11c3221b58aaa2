/*
 * main.c - calls each operation of the C interface in rounds that callgrind counts the instructions
 * of. Tools/instructions runs it and says what is counted.
 *
 * Prints "operation <tab> units" once for each operation; a unit is a put, a get, an entry. Each
 * round ends in a dump that has the operation's name as its trigger. The loop's own instructions
 * are counted, too: a handful for each call.
 */
#include <fenceline.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <valgrind/callgrind.h>

enum {
  KEYS = 10000,       /* that the store holds before anything is counted */
  ROUNDS = 5,
  CALLS = 100,        /* of a round: so few that nothing wakes the store's background thread */
  MANY = 16,
  BATCH = 100,
  RANGE = 1000,
  KEY_LENGTH = 16,
  VALUE_LENGTH = 100
};

static fenceline_store *store;
static uint8_t value[VALUE_LENGTH];
static uint64_t next_new = KEYS;

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "instructions: %s: %s\n", what, fenceline_last_error());
  exit(1);
}

static uint64_t mix(uint64_t word) {
  word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
  word = (word ^ word >> 27) * 0x94d049bb133111ebu;
  return word ^ word >> 31;
}

/* In the place of the C library's: the same store, hash table and checksums in every run. */
ssize_t getrandom(void *buffer, size_t length, unsigned flags) {
  static uint64_t state;
  (void)flags;
  for (size_t at = 0; at < length; at++) {
    state += 0x9e3779b97f4a7c15u;
    ((uint8_t *)buffer)[at] = (uint8_t)mix(state);
  }
  return (ssize_t)length;
}

struct key {
  uint64_t words[KEY_LENGTH / 8];
};

static struct key key(uint64_t number) {
  return (struct key){{mix(number), number * 0x9e3779b97f4a7c15u}};
}

/* One of the keys that are there from the beginning, another one for each call. */
static struct key old_key(uint64_t call) { return key(call * 7919 % KEYS); }

static void put(const struct key *of) {
  if (fenceline_put(store, of, KEY_LENGTH, value, VALUE_LENGTH) != FENCELINE_DONE) fail("put");
}

static void put_new(uint64_t call) {
  (void)call;
  const struct key of = key(next_new++);
  put(&of);
}

static void put_old(uint64_t call) {
  const struct key of = old_key(call);
  put(&of);
}

static void write_new(size_t count, int durable) {
  struct key keys[BATCH];
  fenceline_operation operations[BATCH];
  for (size_t i = 0; i < count; i++) {
    keys[i] = key(next_new++);
    operations[i] = (fenceline_operation){&keys[i], KEY_LENGTH, value, VALUE_LENGTH};
  }
  if (fenceline_write(store, operations, count, durable) != FENCELINE_DONE) fail("write");
}

static void put_durably(uint64_t call) {
  (void)call;
  write_new(1, 1);
}

static void write_batch(uint64_t call) {
  (void)call;
  write_new(BATCH, 1);
}

static void get(const struct key *of, int wanted) {
  uint8_t buffer[VALUE_LENGTH];
  size_t length;
  if (fenceline_get(store, of, KEY_LENGTH, buffer, sizeof buffer, &length) != wanted) fail("get");
}

static void get_hit(uint64_t call) {
  const struct key of = old_key(call);
  get(&of, FENCELINE_DONE);
}

static void get_miss(uint64_t call) {
  const struct key of = key(UINT64_C(1) << 40 | call);
  get(&of, FENCELINE_NOT_FOUND);
}

static void visit(void *context, const void *bytes, size_t length) {
  (void)bytes;
  *(size_t *)context += length;
}

static void read_in_place(uint64_t call) {
  const struct key of = old_key(call);
  size_t length = 0;
  if (fenceline_read(store, &of, KEY_LENGTH, visit, &length) != FENCELINE_DONE) fail("read");
}

static void visit_one_of_many(void *context, size_t number, const void *bytes, size_t length) {
  (void)number, (void)bytes;
  *(size_t *)context += length;
}

static void read_many(uint64_t call) {
  struct key keys[MANY];
  fenceline_key list[MANY];
  size_t length = 0;
  for (size_t i = 0; i < MANY; i++) {
    keys[i] = old_key(call * MANY + i);
    list[i] = (fenceline_key){&keys[i], KEY_LENGTH};
  }
  if (fenceline_read_many(store, list, MANY, visit_one_of_many, &length) != FENCELINE_DONE ||
      length != MANY * VALUE_LENGTH)
    fail("read_many");
}

static int visit_entry(void *context, const void *key_bytes, size_t key_length, const void *bytes,
                       size_t length) {
  (void)key_bytes, (void)key_length, (void)bytes, (void)length;
  ++*(size_t *)context;
  return 0;
}

static void scan(uint64_t call) {
  (void)call;
  size_t count = 0;
  if (fenceline_scan(store, NULL, 0, NULL, 0, FENCELINE_ASCENDING, RANGE, visit_entry, &count) !=
          FENCELINE_DONE ||
      count != RANGE)
    fail("scan");
}

static void delete_old(uint64_t call) {
  const struct key of = old_key(call);
  if (fenceline_delete(store, &of, KEY_LENGTH) != FENCELINE_DONE) fail("delete");
}

struct operation {
  const char *name;
  void (*call)(uint64_t call);
  unsigned calls;           /* of a round */
  unsigned units_per_call;
};

static const struct operation operations[] = {
    {"put, new key", put_new, CALLS, 1},
    {"put, old key", put_old, CALLS, 1},
    {"durable put, new key", put_durably, CALLS, 1},
    {"durable batch of 100, by put", write_batch, 4, BATCH},
    {"get, hit", get_hit, CALLS, 1},
    {"get, miss", get_miss, CALLS, 1},
    {"read in place, hit", read_in_place, CALLS, 1},
    {"read 16 at once, by key", read_many, CALLS / 4, MANY},
    {"scan, by entry", scan, 1, RANGE},
    /* Keys that are gone are not asked for any more. */
    {"delete", delete_old, CALLS, 1},
};

static void count(const struct operation *operation) {
  uint64_t call = 0;
  for (int round = 0; round <= ROUNDS; round++) {
    /* The first round makes what is made once: a tree of the keys, a dynamic linker's entry. */
    const int counts = round > 0;
    if (counts) CALLGRIND_TOGGLE_COLLECT;
    for (unsigned i = 0; i < operation->calls; i++) operation->call(call++);
    if (counts) {
      CALLGRIND_TOGGLE_COLLECT;
      CALLGRIND_DUMP_STATS_AT(operation->name);
    }
  }
  printf("%s\t%u\n", operation->name, operation->calls * operation->units_per_call);
}

int main(int argc, char **argv) {
  const fenceline_options options = {.size = sizeof options};
  if (argc != 2) {
    fputs("instructions: a directory for the store is needed\n", stderr);
    return 64;
  }
  for (size_t i = 0; i < VALUE_LENGTH; i++) value[i] = (uint8_t)(mix(i) | 1);
  if (fenceline_open(argv[1], &options, &store) != FENCELINE_DONE) fail("open");
  for (uint64_t number = 0; number < KEYS; number++) {
    const struct key of = key(number);
    put(&of);
  }
  if (fenceline_sync(store) != FENCELINE_DONE) fail("sync");
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) count(&operations[i]);
  return fenceline_close(store) == FENCELINE_DONE ? 0 : 1;
}
