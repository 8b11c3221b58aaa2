/* Runs the tests of the C interface: DIRECTORY, then the names of cases, or none for all that need
 * no environment of their own. */
#define _POSIX_C_SOURCE 200809L
#include <sys/stat.h>

#include "check.h"

static const struct {
  const char *name;
  void (*run)(const char *directory);
  int is_special;
} cases[] = {
    {"values", test_values, 0},
    {"batches", test_batches, 0},
    {"statistics", test_statistics, 0},
    {"many-values", test_many_values, 0},
    {"visitors", test_visitors, 0},
    {"scans", test_scans, 0},
    {"snapshots", test_snapshots, 0},
    {"changes", test_changes, 0},
    {"namespaces", test_namespaces, 0},
    {"swaps", test_swaps, 0},
    {"null-pointers", test_null_pointers, 0},
    {"lengths", test_lengths, 0},
    {"options", test_options, 0},
    {"opening-errors", test_opening_errors, 0},
    {"damage", test_damage, 0},
    {"failed-writes", test_failed_writes, 0},
    {"error-texts", test_error_texts, 0},
    {"abandoned-store", test_abandoned_store, 0},
    {"threads", test_threads, 0},
    {"followers", test_followers, 0},
    {"forked-child", test_forked_child, 0},
    {"forked-orphan", test_forked_orphan, 0},
    {"full-medium", test_full_medium, 1},
    {"permission", test_permission, 1},
    {"unavailable", test_unavailable, 1},
};

static int run(const char *root, size_t number) {
  const char *directory = path_in(root, cases[number].name);
  char own[512];
  snprintf(own, sizeof own, "%s", directory);
  CHECK(mkdir(own, 0777) == 0);
  cases[number].run(own);
  printf("%s: passed\n", cases[number].name);
  return 1;
}

int main(int count, char **arguments) {
  const size_t case_count = sizeof cases / sizeof cases[0];
  int passed = 0;
  if (count < 2) return 64;
  /* A child process must not print again what waits in the buffer. */
  setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
  for (size_t number = 0; number < case_count; number++) {
    if (count == 2 && !cases[number].is_special) passed += run(arguments[1], number);
    for (int argument = 2; argument < count; argument++)
      if (strcmp(arguments[argument], cases[number].name) == 0) passed += run(arguments[1], number);
  }
  printf("%d passed\n", passed);
  return passed > 0 ? 0 : 1;
}

void check_failed(const char *file, int line, const char *text) {
  fprintf(stderr, "%s:%d: %s\n", file, line, text);
  exit(1);
}

void check_result(const char *file, int line, const char *call, int wanted, int result) {
  if (result != wanted) {
    fprintf(stderr, "%s:%d: %s gave %d, not %d (%s)\n", file, line, call, result, wanted,
            fenceline_last_error());
    exit(1);
  }
  if (result < 0 && fenceline_last_error()[0] == 0) {
    fprintf(stderr, "%s:%d: %s: an error without a text\n", file, line, call);
    exit(1);
  }
}

const char *path_in(const char *directory, const char *name) {
  static char paths[4][512];
  static int next;
  next = (next + 1) % 4;
  snprintf(paths[next], sizeof paths[next], "%s/%s", directory, name);
  return paths[next];
}

fenceline_store *open_store(const char *directory) {
  fenceline_store *store;
  CHECK_DONE(fenceline_open(path_in(directory, "store"), NULL, &store));
  CHECK(store != NULL);
  return store;
}

void put_text(fenceline_store *store, const char *key, const char *value) {
  CHECK_DONE(fenceline_put(store, key, strlen(key), value, strlen(value)));
}

void check_text(fenceline_store *store, const char *key, const char *value) {
  char buffer[256];
  size_t length = 99;
  const int result = fenceline_get(store, key, strlen(key), buffer, sizeof buffer, &length);
  if (value == NULL) {
    CHECK(result == FENCELINE_NOT_FOUND && length == 0);
    return;
  }
  CHECK(result == FENCELINE_DONE);
  CHECK(length == strlen(value) && memcmp(buffer, value, length) == 0);
}

static int join_key(void *context, const void *key, size_t key_length, const void *value,
                    size_t value_length) {
  char *text = context;
  (void)value;
  (void)value_length;
  if (text[0] != 0) strcat(text, " ");
  strncat(text, key, key_length);
  return 0;
}

void check_keys(fenceline_store *store, const char *wanted) {
  char keys[1024] = "";
  CHECK_DONE(fenceline_scan(store, NULL, 0, NULL, 0, FENCELINE_ASCENDING, SIZE_MAX, join_key,
                            keys));
  if (strcmp(keys, wanted) != 0) check_failed(keys, 0, wanted);
}

void flip_byte(const char *path, long offset) {
  FILE *file = fopen(path, "r+b");
  int byte;
  CHECK(file != NULL);
  CHECK(fseek(file, offset, SEEK_SET) == 0 && (byte = fgetc(file)) != EOF);
  CHECK(fseek(file, offset, SEEK_SET) == 0 && fputc(byte ^ 0x40, file) != EOF);
  CHECK(fclose(file) == 0);
}
