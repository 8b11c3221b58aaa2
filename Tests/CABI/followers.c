/* Processes that read while another one writes, is killed, and is followed by the next one. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { FOLLOWERS = 3, WRITERS = 8, NAMES = 40 };

/* The round of a key, 0 where it has none yet. */
static long round_of(fenceline_store *store, const char *key) {
  char text[64] = "";
  size_t length;
  const int result = fenceline_get(store, key, strlen(key), text, sizeof text - 1, &length);
  CHECK(result == FENCELINE_DONE || result == FENCELINE_NOT_FOUND);
  return result == FENCELINE_DONE ? atol(text) : 0;
}

static void wait_a_little(void) {
  const struct timespec pause = {0, 2000000};
  nanosleep(&pause, NULL);
}

/* Overwrites all keys again and again, acknowledges each durable round through the pipe, and compacts
 * now and then, until it is killed. */
static void write_for_ever(const char *directory, long first, int acknowledged) {
  const pid_t parent = getppid();
  fenceline_store *store = open_store(directory);
  char key[16], text[64];
  for (long round = first;; round++) {
    snprintf(text, sizeof text, "%ld and some more bytes to fill segments with", round);
    for (int name = 0; name < NAMES; name++) {
      snprintf(key, sizeof key, "key %d", name);
      put_text(store, key, text);
    }
    CHECK_DONE(fenceline_sync(store));
    CHECK(write(acknowledged, &round, sizeof round) == sizeof round);
    if (getppid() != parent) _exit(1);
    if (round % 300 == 0) CHECK_DONE(fenceline_compact(store));
  }
}

/* Looks at all keys until "end" is there; no key ever goes back. */
static void follow(const char *directory, int reader) {
  const pid_t parent = getppid();
  fenceline_options options;
  fenceline_store *store;
  long newest[NAMES] = {0};
  char key[16];
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.read_only = 1;
  CHECK_DONE(fenceline_open(path_in(directory, "store"), &options, &store));
  while (round_of(store, "end") == 0) {
    for (int name = reader % NAMES; name < NAMES; name++) {
      long found;
      snprintf(key, sizeof key, "key %d", name);
      found = round_of(store, key);
      CHECK(found >= newest[name]);
      newest[name] = found;
    }
    if (reader == 0) wait_a_little();
    if (getppid() != parent) _exit(1);
  }
  for (int name = 0; name < NAMES; name++) {
    snprintf(key, sizeof key, "key %d", name);
    CHECK(round_of(store, key) == round_of(store, "end"));
  }
  CHECK_DONE(fenceline_close(store));
}

void test_followers(const char *directory) {
  pid_t followers[FOLLOWERS + 1];
  fenceline_store *store = open_store(directory);
  long acknowledged = 0;
  int ends[2], status;
  char text[32], key[16];
  put_text(store, "start", "1");
  CHECK_DONE(fenceline_close(store));
  for (int reader = 0; reader <= FOLLOWERS; reader++) {
    followers[reader] = fork();
    CHECK(followers[reader] >= 0);
    if (followers[reader] == 0) {
      follow(directory, reader);
      _exit(0);
    }
  }
  for (int writer = 0; writer < WRITERS; writer++) {
    long round = 0;
    pid_t child;
    CHECK(pipe(ends) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      close(ends[0]);
      write_for_ever(directory, acknowledged + 1, ends[1]);
    }
    close(ends[1]);
    for (int count = 0; count < 150 + 70 * writer; count++) {
      CHECK(read(ends[0], &round, sizeof round) == sizeof round);
    }
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    while (read(ends[0], &round, sizeof round) == sizeof round) continue;
    close(ends[0]);
    acknowledged = round;
    /* One reader dies as well, in the middle of whatever it does. */
    if (writer == WRITERS / 2) {
      CHECK(kill(followers[FOLLOWERS], SIGKILL) == 0);
      CHECK(waitpid(followers[FOLLOWERS], &status, 0) == followers[FOLLOWERS]);
    }
    store = open_store(directory);
    for (int name = 0; name < NAMES; name++) {
      snprintf(key, sizeof key, "key %d", name);
      CHECK(round_of(store, key) >= acknowledged);
    }
    CHECK_DONE(fenceline_close(store));
  }
  store = open_store(directory);
  acknowledged++;
  snprintf(text, sizeof text, "%ld", acknowledged);
  for (int name = 0; name < NAMES; name++) {
    snprintf(key, sizeof key, "key %d", name);
    put_text(store, key, text);
  }
  put_text(store, "end", text);
  CHECK_DONE(fenceline_close(store));
  for (int reader = 0; reader < FOLLOWERS; reader++) {
    CHECK(waitpid(followers[reader], &status, 0) == followers[reader]);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}
