/* Several threads on one store, and a process that ends without closing. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { WRITERS = 3, READERS = 3, KEYS = 300 };

struct work {
  fenceline_store *store;
  int number;
};

static void *write_keys(void *context) {
  const struct work *work = context;
  for (int index = 0; index < KEYS; index++) {
    char key[16], value[16];
    fenceline_operation operations[2];
    snprintf(key, sizeof key, "%d-%03d", work->number, index);
    snprintf(value, sizeof value, "%d", index);
    put_text(work->store, key, value);
    operations[0] = (fenceline_operation){key, 5, value, strlen(value)};
    operations[1] = (fenceline_operation){"last", 4, key, 5};
    CHECK_DONE(fenceline_write(work->store, operations, 2, index % 50 == 0));
    if (index % 3 == 0) CHECK_DONE(fenceline_delete(work->store, key, 5));
    if (index % 100 == 0) CHECK_DONE(fenceline_sync(work->store));
  }
  return NULL;
}

static int count_ordered(void *context, const void *key, size_t key_length, const void *value,
                         size_t value_length) {
  char *previous = context;
  char current[16] = "";
  CHECK(key_length < sizeof current && value_length > 0 && value != NULL);
  memcpy(current, key, key_length);
  CHECK(strcmp(previous, current) < 0);
  memcpy(previous, current, sizeof current);
  return 0;
}

static void *read_keys(void *context) {
  const struct work *work = context;
  /* The text of the last error belongs to the thread. */
  CHECK(strcmp(fenceline_last_error(), "") == 0);
  for (int index = 0; index < KEYS; index++) {
    char key[16], value[16], wanted[16];
    size_t length;
    int result;
    snprintf(key, sizeof key, "%d-%03d", work->number, index);
    snprintf(wanted, sizeof wanted, "%d", index);
    result = fenceline_get(work->store, key, 5, value, sizeof value, &length);
    CHECK(result == FENCELINE_DONE || result == FENCELINE_NOT_FOUND);
    CHECK(length == (result == FENCELINE_DONE ? strlen(wanted) : 0));
    CHECK(memcmp(value, wanted, length) == 0);
    if (index % 100 == 0) {
      char previous[16] = "";
      CHECK_DONE(fenceline_scan(work->store, NULL, 0, NULL, 0, FENCELINE_ASCENDING, SIZE_MAX,
                                count_ordered, previous));
    }
  }
  CHECK_INVALID(fenceline_sync(NULL));
  CHECK(strcmp(fenceline_last_error(), "") != 0);
  return NULL;
}

void test_threads(const char *directory) {
  pthread_t threads[WRITERS + READERS];
  struct work work[WRITERS + READERS];
  fenceline_store *store = open_store(directory);
  char text[256], value[16];
  size_t length;
  CHECK_RESULT(FENCELINE_ERROR_KEY_TOO_LONG, fenceline_delete(store, "", 70000));
  snprintf(text, sizeof text, "%s", fenceline_last_error());
  for (int number = 0; number < WRITERS + READERS; number++) {
    work[number].store = store;
    work[number].number = number % WRITERS;
    CHECK(pthread_create(&threads[number], NULL, number < WRITERS ? write_keys : read_keys,
                         &work[number]) == 0);
  }
  for (int number = 0; number < WRITERS + READERS; number++)
    CHECK(pthread_join(threads[number], NULL) == 0);
  CHECK(strcmp(fenceline_last_error(), text) == 0);

  CHECK_DONE(fenceline_close(store));
  store = open_store(directory);
  for (int number = 0; number < WRITERS; number++) {
    for (int index = 0; index < KEYS; index++) {
      char key[16], wanted[16];
      snprintf(key, sizeof key, "%d-%03d", number, index);
      snprintf(wanted, sizeof wanted, "%d", index);
      check_text(store, key, index % 3 == 0 ? NULL : wanted);
    }
  }
  CHECK_DONE(fenceline_get(store, "last", 4, value, sizeof value, &length));
  CHECK(length == 5);
  CHECK_DONE(fenceline_close(store));
}

void test_abandoned_store(const char *directory) {
  fenceline_store *store;
  int status;
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    store = open_store(directory);
    put_text(store, "synced", "1");
    CHECK_DONE(fenceline_sync(store));
    put_text(store, "buffered", "2");
    _exit(0);
  }
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  store = open_store(directory);
  check_text(store, "synced", "1");
  put_text(store, "later", "3");
  CHECK_DONE(fenceline_close(store));
}
