/* Whatever is passed in, there is a result and never a crash. */
#include "check.h"

static void ignore_value(void *context, const void *value, size_t value_length) {
  (void)context;
  (void)value;
  (void)value_length;
}

static int ignore_entry(void *context, const void *key, size_t key_length, const void *value,
                        size_t value_length) {
  (void)context;
  (void)key;
  (void)key_length;
  (void)value;
  (void)value_length;
  return 0;
}

void test_null_pointers(const char *directory) {
  fenceline_store *store = open_store(directory), *none = NULL;
  fenceline_store_statistics statistics;
  const fenceline_operation good = {"k", 1, "v", 1}, bad = {NULL, 1, "v", 1};
  const char *path = path_in(directory, "other");
  char buffer[8];
  size_t length = 99;
  statistics.size = sizeof statistics;

  CHECK_INVALID(fenceline_open(NULL, NULL, &none));
  CHECK(none == NULL);
  CHECK_INVALID(fenceline_open(path, NULL, NULL));

  CHECK_INVALID(fenceline_put(NULL, "k", 1, "v", 1));
  CHECK_INVALID(fenceline_put(store, NULL, 1, "v", 1));
  CHECK_INVALID(fenceline_put(store, "k", 1, NULL, 1));
  CHECK_INVALID(fenceline_put_until(NULL, "k", 1, "v", 1, 1, 0));
  CHECK_INVALID(fenceline_put_until(store, NULL, 1, "v", 1, 1, 0));
  CHECK_INVALID(fenceline_put_until(store, "k", 1, NULL, 1, 1, 0));
  CHECK_INVALID(fenceline_expiry(store, "k", 1, NULL));
  CHECK_INVALID(fenceline_get(NULL, "k", 1, buffer, 8, &length));
  CHECK(length == 0);
  length = 99;
  CHECK_INVALID(fenceline_get(store, NULL, 1, buffer, 8, &length));
  CHECK(length == 0);
  CHECK_INVALID(fenceline_get(store, "k", 1, NULL, 8, &length));
  CHECK_INVALID(fenceline_get(store, "k", 1, buffer, 8, NULL));
  CHECK_INVALID(fenceline_read(NULL, "k", 1, ignore_value, NULL));
  CHECK_INVALID(fenceline_read(store, NULL, 1, ignore_value, NULL));
  CHECK_INVALID(fenceline_read(store, "k", 1, NULL, NULL));
  CHECK_INVALID(fenceline_delete(NULL, "k", 1));
  CHECK_INVALID(fenceline_delete(store, NULL, 1));
  CHECK_INVALID(fenceline_sync(NULL));
  CHECK_INVALID(fenceline_write(NULL, &good, 1, 0));
  CHECK_INVALID(fenceline_write(store, NULL, 1, 0));
  CHECK_INVALID(fenceline_write(store, &bad, 1, 0));
  CHECK_INVALID(fenceline_scan(NULL, NULL, 0, NULL, 0, 0, 1, ignore_entry, NULL));
  CHECK_INVALID(fenceline_scan(store, NULL, 1, NULL, 0, 0, 1, ignore_entry, NULL));
  CHECK_INVALID(fenceline_scan(store, NULL, 0, NULL, 1, 0, 1, ignore_entry, NULL));
  CHECK_INVALID(fenceline_scan(store, NULL, 0, NULL, 0, 2, 1, ignore_entry, NULL));
  CHECK_INVALID(fenceline_scan(store, NULL, 0, NULL, 0, -1, 1, ignore_entry, NULL));
  CHECK_INVALID(fenceline_scan(store, NULL, 0, NULL, 0, 0, 1, NULL, NULL));
  CHECK_INVALID(fenceline_statistics(NULL, &statistics));
  CHECK_INVALID(fenceline_statistics(store, NULL));
  check_keys(store, "");
  CHECK_DONE(fenceline_close(store));
}

void test_lengths(const char *directory) {
  static const size_t too_long[] = {65536, (size_t)1 << 40, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX};
  static char key[65536];
  const int key_error = FENCELINE_ERROR_KEY_TOO_LONG, value_error = FENCELINE_ERROR_VALUE_TOO_LONG;
  fenceline_store *store = open_store(directory);
  char buffer[8];
  size_t length;
  memset(key, 'k', sizeof key);
  for (size_t index = 0; index < sizeof too_long / sizeof too_long[0]; index++) {
    const size_t many = too_long[index];
    const fenceline_operation operations[] = {{"a", 1, "1", 1}, {key, many, "v", 1}};
    length = 99;
    CHECK_RESULT(key_error, fenceline_put(store, key, many, "v", 1));
    CHECK_RESULT(key_error, fenceline_get(store, key, many, buffer, 8, &length));
    CHECK(length == 0);
    CHECK_RESULT(key_error, fenceline_read(store, key, many, ignore_value, NULL));
    CHECK_RESULT(key_error, fenceline_delete(store, key, many));
    CHECK_RESULT(key_error, fenceline_write(store, operations, 2, 1));
    CHECK_RESULT(key_error, 
                 fenceline_scan(store, key, many, NULL, 0, 0, 1, ignore_entry, NULL));
    CHECK_RESULT(key_error,
                 fenceline_scan(store, NULL, 0, key, many, 0, 1, ignore_entry, NULL));
    if (many > UINT32_MAX) {
      const fenceline_operation operation = {"a", 1, key, many};
      CHECK_RESULT(value_error, fenceline_put(store, "a", 1, key, many));
      CHECK_RESULT(value_error, fenceline_write(store, &operation, 1, 0));
    }
  }
  CHECK_RESULT(value_error, fenceline_put(store, "a", 1, key, (size_t)UINT32_MAX + 1));
  CHECK_INVALID(fenceline_write(store, (const fenceline_operation *)(const void *)key, SIZE_MAX, 0));
  check_keys(store, "");
  /* The longest key there is. */
  CHECK_DONE(fenceline_put(store, key, 65535, "v", 1));
  CHECK_DONE(fenceline_get(store, key, 65535, buffer, 8, &length));
  CHECK(length == 1);
  CHECK_DONE(fenceline_close(store));
}

void test_options(const char *directory) {
  const char *path = path_in(directory, "store");
  struct {
    fenceline_options known;
    unsigned char more[32];
  } options;
  fenceline_store *store, *reader;

  /* Sizes that no version has. */
  memset(&options, 0, sizeof options);
  for (size_t size = 0; size < 8; size++) {
    options.known.size = size;
    CHECK_INVALID(fenceline_open(path, &options.known, &store));
  }
  options.known.size = 9;
  CHECK_INVALID(fenceline_open(path, &options.known, &store));
  options.known.size = SIZE_MAX;
  CHECK_INVALID(fenceline_open(path, &options.known, &store));

  /* A field of a later version that is set, and the same left at its default. */
  options.known.size = sizeof options;
  options.more[31] = 1;
  store = (fenceline_store *)(void *)&options;
  CHECK_INVALID(fenceline_open(path, &options.known, &store));
  CHECK(store == NULL);
  options.more[31] = 0;
  CHECK_DONE(fenceline_open(path, &options.known, &store));
  CHECK_DONE(fenceline_close(store));

  /* A program of an older version: what lies behind its structure is not looked at. */
  memset(&options, 0xff, sizeof options);
  options.known.size = sizeof options.known.size;
  CHECK_DONE(fenceline_open(path, &options.known, &store));
  put_text(store, "key", "value");

  memset(&options, 0, sizeof options);
  options.known.size = sizeof options.known;
  options.known.required_survival = FENCELINE_SURVIVES_POWER_FAILURE + 1;
  CHECK_INVALID(fenceline_open(path, &options.known, &reader));
  options.known.required_survival = 0;

  /* Beside a writer, and without its rights. */
  options.known.read_only = 1;
  options.known.leaves_sigbus = 7;
  CHECK_DONE(fenceline_open(path, &options.known, &reader));
  check_text(reader, "key", "value");
  CHECK_RESULT(FENCELINE_ERROR_READ_ONLY, fenceline_put(reader, "a", 1, "b", 1));
  CHECK_RESULT(FENCELINE_ERROR_READ_ONLY, fenceline_delete(reader, "key", 3));
  CHECK_RESULT(FENCELINE_ERROR_READ_ONLY, fenceline_sync(reader));
  CHECK_RESULT(FENCELINE_ERROR_READ_ONLY, fenceline_write(reader, NULL, 0, 1));
  CHECK_DONE(fenceline_close(reader));
  CHECK_DONE(fenceline_close(store));
}
