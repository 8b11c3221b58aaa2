/* Values and entries in place: order, bounds, limits, and what a visitor may do meanwhile. */
#include "check.h"

struct seen {
  fenceline_store *store;
  char keys[256];
  int count;
  int stop_after;
};

static void see_value(void *context, const void *value, size_t value_length) {
  struct seen *seen = context;
  seen->count++;
  CHECK(value_length == 5 && memcmp(value, "value", 5) == 0);
  if (seen->store == NULL) return;
  /* Reading and writing, this very key included. What is shown stays as it is. */
  check_text(seen->store, "key", "value");
  put_text(seen->store, "key", "new");
  check_text(seen->store, "key", "new");
  CHECK_RESULT(FENCELINE_NOT_FOUND, fenceline_delete(seen->store, "none", 4));
  CHECK_DONE(fenceline_sync(seen->store));
  CHECK(memcmp(value, "value", 5) == 0);
}

void test_visitors(const char *directory) {
  fenceline_store *store = open_store(directory);
  struct seen seen = {NULL, "", 0, 0};
  put_text(store, "key", "value");
  CHECK_RESULT(FENCELINE_NOT_FOUND, fenceline_read(store, "none", 4, see_value, &seen));
  CHECK(seen.count == 0);
  CHECK_DONE(fenceline_read(store, "key", 3, see_value, &seen));
  CHECK(seen.count == 1);
  seen.store = store;
  CHECK_DONE(fenceline_read(store, "key", 3, see_value, &seen));
  CHECK(seen.count == 2);
  check_text(store, "key", "new");
  CHECK_DONE(fenceline_close(store));
}

static int see_entry(void *context, const void *key, size_t key_length, const void *value,
                     size_t value_length) {
  struct seen *seen = context;
  char text[32];
  CHECK(key_length < sizeof text);
  memcpy(text, key, key_length);
  text[key_length] = 0;
  CHECK(value_length == key_length + 1 && memcmp(value, key, key_length) == 0);
  CHECK(((const char *)value)[key_length] == '!');
  strcat(strcat(seen->keys, text), ",");
  seen->count++;
  if (seen->store != NULL) {
    /* Later entries may go and new ones come while the scan goes on. */
    const fenceline_operation operations[] = {{"zz", 2, "zz!", 3}, {"b", 1, NULL, 0}};
    check_text(seen->store, "a", "a!");
    CHECK_DONE(fenceline_write(seen->store, operations, 2, 0));
    CHECK_DONE(fenceline_scan(seen->store, "abc", 3, NULL, 0, FENCELINE_ASCENDING, 1, see_entry,
                              &(struct seen){NULL, "", 0, 0}));
  }
  return seen->count == seen->stop_after;
}

/* A scan of a range must show these keys, each followed by a comma. */
static void check_range(fenceline_store *store, const char *from, const char *to, int direction,
                        size_t limit, const char *wanted) {
  struct seen seen = {NULL, "", 0, 0};
  CHECK_DONE(fenceline_scan(store, from, from == NULL ? 0 : strlen(from), to,
                            to == NULL ? 0 : strlen(to), direction, limit, see_entry, &seen));
  if (strcmp(seen.keys, wanted) != 0) check_failed(seen.keys, 0, wanted);
}

/* A scan must show these keys, each followed by a comma. */
static void check_scan(fenceline_store *store, const char *start, size_t limit, int stop_after,
                       const char *wanted) {
  struct seen seen = {NULL, "", 0, 0};
  seen.stop_after = stop_after;
  CHECK_DONE(fenceline_scan(store, start, start == NULL ? 0 : strlen(start), NULL, 0,
                            FENCELINE_ASCENDING, limit, see_entry, &seen));
  if (strcmp(seen.keys, wanted) != 0) check_failed(seen.keys, 0, wanted);
}

void test_scans(const char *directory) {
  /* Prefixes of each other, neighbours at the eighth byte, the empty key; put in no order. */
  static const char *const keys[] = {"b", "a", "abcdefgh1", "abcdefgh", "", "ab", "abcdefgh0", "c"};
  fenceline_store *store = open_store(directory);
  check_scan(store, NULL, SIZE_MAX, 0, "");
  for (size_t index = 0; index < sizeof keys / sizeof keys[0]; index++) {
    char value[32];
    snprintf(value, sizeof value, "%s!", keys[index]);
    put_text(store, keys[index], value);
  }
  check_scan(store, NULL, SIZE_MAX, 0, ",a,ab,abcdefgh,abcdefgh0,abcdefgh1,b,c,");
  check_scan(store, "", 100, 0, ",a,ab,abcdefgh,abcdefgh0,abcdefgh1,b,c,");
  check_scan(store, "a", SIZE_MAX, 0, "a,ab,abcdefgh,abcdefgh0,abcdefgh1,b,c,");
  check_scan(store, "abcdefgh", 2, 0, "abcdefgh,abcdefgh0,");
  check_scan(store, "abcdefgh00", SIZE_MAX, 0, "abcdefgh1,b,c,");
  check_scan(store, "c", SIZE_MAX, 0, "c,");
  check_scan(store, "ca", SIZE_MAX, 0, "");
  check_scan(store, NULL, 0, 0, "");
  check_scan(store, NULL, 1, 0, ",");
  check_scan(store, NULL, 3, 0, ",a,ab,");
  check_scan(store, NULL, 7, 0, ",a,ab,abcdefgh,abcdefgh0,abcdefgh1,b,");
  check_scan(store, NULL, SIZE_MAX / 2, 0, ",a,ab,abcdefgh,abcdefgh0,abcdefgh1,b,c,");
  check_scan(store, NULL, SIZE_MAX, 2, ",a,");
  check_scan(store, "b", 5, 1, "b,");

  /* Both ends, both directions. */
  check_range(store, NULL, NULL, FENCELINE_DESCENDING, SIZE_MAX,
              "c,b,abcdefgh1,abcdefgh0,abcdefgh,ab,a,,");
  check_range(store, "a", "abcdefgh0", FENCELINE_ASCENDING, SIZE_MAX, "a,ab,abcdefgh,");
  check_range(store, "a", "abcdefgh0", FENCELINE_DESCENDING, SIZE_MAX, "abcdefgh,ab,a,");
  check_range(store, "a", "abcdefgh0", FENCELINE_DESCENDING, 2, "abcdefgh,ab,");
  check_range(store, "aa", "bb", FENCELINE_DESCENDING, 2, "b,abcdefgh1,");
  check_range(store, "b", "b", FENCELINE_ASCENDING, SIZE_MAX, "");
  check_range(store, "c", "a", FENCELINE_DESCENDING, SIZE_MAX, "");
  check_range(store, NULL, "", FENCELINE_ASCENDING, SIZE_MAX, "");
  check_range(store, NULL, "a", FENCELINE_DESCENDING, SIZE_MAX, ",");
  check_range(store, "d", NULL, FENCELINE_DESCENDING, SIZE_MAX, "");

  {
    struct seen seen = {NULL, "", 0, 0};
    seen.store = store;
    CHECK_DONE(fenceline_scan(store, "a", 1, NULL, 0, FENCELINE_ASCENDING, SIZE_MAX, see_entry,
                              &seen));
    /* What the visitor writes is not seen: the scan shows one moment. */
    CHECK(strcmp(seen.keys, "a,ab,abcdefgh,abcdefgh0,abcdefgh1,b,c,") == 0);
    check_text(store, "b", NULL);
    check_text(store, "zz", "zz!");
  }
  CHECK_DONE(fenceline_close(store));
}
