/* A program that forks: the child can't use its parent's store, and does not keep it locked. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define CHECK_FORKED(call) CHECK_RESULT(FENCELINE_ERROR_FORKED, call)

static void ignore_value(void *context, const void *value, size_t value_length) {
  (void)context;
  (void)value;
  (void)value_length;
}

static int ignore_entry(void *context, const void *key, size_t key_length, const void *value,
                        size_t value_length) {
  (void)key;
  (void)key_length;
  ignore_value(context, value, value_length);
  return 0;
}

/* Everything that a child may try with its parent's store. */
static void use_as_child(fenceline_store *store, const char *directory) {
  const fenceline_operation operations[2] = {{"a", 1, "1", 1}, {"b", 1, "2", 1}};
  const fenceline_options reading = {sizeof reading, 1, 0, 0, 0};
  fenceline_store_statistics statistics;
  fenceline_store *own;
  char value[16];
  size_t length;
  statistics.size = sizeof statistics;
  CHECK_FORKED(fenceline_put(store, "key", 3, "child", 5));
  CHECK_FORKED(fenceline_get(store, "key", 3, value, sizeof value, &length));
  CHECK_FORKED(fenceline_read(store, "key", 3, ignore_value, NULL));
  CHECK_FORKED(fenceline_delete(store, "key", 3));
  CHECK_FORKED(fenceline_write(store, operations, 2, 1));
  CHECK_FORKED(fenceline_write(store, operations, 1, 0));
  CHECK_FORKED(fenceline_sync(store));
  CHECK_FORKED(fenceline_scan(store, NULL, 0, NULL, 0, FENCELINE_ASCENDING, SIZE_MAX,
                               ignore_entry, NULL));
  CHECK_FORKED(fenceline_statistics(store, &statistics));
  CHECK_RESULT(FENCELINE_ERROR_LOCKED,
               fenceline_open(path_in(directory, "store"), NULL, &own));
  CHECK_DONE(fenceline_open(path_in(directory, "store"), &reading, &own));
  check_text(own, "key", "parent");
  CHECK_DONE(fenceline_close(own));
  CHECK_DONE(fenceline_close(store));
}

void test_forked_child(const char *directory) {
  fenceline_store *store = open_store(directory);
  int status, gate[2], done[2];
  char byte;
  pid_t child;
  put_text(store, "key", "parent");
  CHECK_DONE(fenceline_sync(store));
  CHECK(pipe(gate) == 0 && pipe(done) == 0);
  child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    CHECK(close(gate[1]) == 0);
    use_as_child(store, directory);
    CHECK(write(done[1], "", 1) == 1);
    /* Lives on until the parent has closed its end. */
    CHECK(read(gate[0], &byte, 1) == 0);
    _exit(0);
  }
  CHECK(close(gate[0]) == 0);
  put_text(store, "later", "parent");
  /* Closes when the child has seen the store locked, and lives on. */
  CHECK(read(done[0], &byte, 1) == 1);
  CHECK_DONE(fenceline_close(store));
  store = open_store(directory);
  check_keys(store, "key later");
  CHECK_DONE(fenceline_close(store));
  CHECK(close(gate[1]) == 0 && close(done[0]) == 0 && close(done[1]) == 0);
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The parent is killed while a child that it forked lives on: the store can be opened as soon as the
   child has begun to run. */
void test_forked_orphan(const char *directory) {
  int gate[2], begun[2], status;
  char byte;
  pid_t parent;
  fenceline_store *store;
  CHECK(pipe(gate) == 0 && pipe(begun) == 0);
  parent = fork();
  CHECK(parent >= 0);
  if (parent == 0) {
    pid_t orphan;
    store = open_store(directory);
    put_text(store, "key", "value");
    CHECK_DONE(fenceline_sync(store));
    orphan = fork();
    CHECK(orphan >= 0);
    CHECK(close(gate[1]) == 0 || orphan < 0);
    if (orphan == 0) {
      CHECK(write(begun[1], "", 1) == 1);
      while (read(gate[0], &byte, 1) > 0) continue;
      CHECK_DONE(fenceline_close(store));
      _exit(0);
    }
    raise(SIGKILL);
  }
  CHECK(waitpid(parent, &status, 0) == parent && WIFSIGNALED(status));
  /* Until then it holds what it was forked with. */
  CHECK(read(begun[0], &byte, 1) == 1);
  store = open_store(directory);
  check_text(store, "key", "value");
  CHECK_DONE(fenceline_close(store));
  CHECK(close(gate[1]) == 0 && close(gate[0]) == 0 && close(begun[0]) == 0 && close(begun[1]) == 0);
}
