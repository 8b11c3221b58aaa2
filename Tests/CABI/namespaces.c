/* Namespaces: keys of their own, written together, dropped at once. */
#include "check.h"

static void put(fenceline_namespace *space, const char *key, const char *value) {
  CHECK_DONE(fenceline_namespace_put(space, key, strlen(key), value, strlen(value)));
}

static void check_value(fenceline_namespace *space, const char *key, const char *value) {
  char buffer[64];
  size_t length = 99;
  const int result =
      fenceline_namespace_get(space, key, strlen(key), buffer, sizeof buffer, &length);
  if (value == NULL) {
    CHECK(result == FENCELINE_NOT_FOUND && length == 0);
    return;
  }
  CHECK(result == FENCELINE_DONE);
  CHECK(length == strlen(value) && memcmp(buffer, value, length) == 0);
}

static void join_name(void *context, const char *name) {
  char *text = context;
  if (text[0] != 0) strcat(text, " ");
  strcat(text, name);
}

static int join_key(void *context, const void *key, size_t key_length, const void *value,
                    size_t value_length) {
  (void)value;
  (void)value_length;
  strncat(context, key, key_length);
  return 0;
}

static void join_change(void *context, const fenceline_change *change) {
  char *text = context;
  strcat(text, change->space == NULL ? "-" : change->space);
  if (change->key == NULL) {
    strcat(text, "! ");
    return;
  }
  strcat(text, ":");
  strncat(text, change->key, change->key_length);
  if (change->expires > 1) strcat(text, "@");
  if (change->value != NULL) {
    strcat(text, "=");
    strncat(text, change->value, change->value_length);
  }
  strcat(text, " ");
}

static void keep_length(void *context, const void *value, size_t value_length) {
  (void)value;
  *(size_t *)context = value_length;
}

static void check_names(fenceline_store *store, const char *wanted) {
  char names[256] = "";
  CHECK_DONE(fenceline_namespace_list(store, join_name, names));
  if (strcmp(names, wanted) != 0) check_failed(names, 0, wanted);
}

/* Checks that every call on a namespace that was dropped says so. */
static void check_gone(fenceline_store *store, fenceline_namespace *space) {
  char keys[64] = "";
  char buffer[8];
  size_t length;
  uint64_t count;
  const fenceline_namespace_operation operation = {space, {"k", 1, "v", 1}, 0};
  CHECK_RESULT(FENCELINE_ERROR_NO_NAMESPACE, fenceline_namespace_put(space, "k", 1, "v", 1));
  CHECK_RESULT(FENCELINE_ERROR_NO_NAMESPACE, fenceline_namespace_delete(space, "k", 1));
  CHECK_RESULT(FENCELINE_ERROR_NO_NAMESPACE,
               fenceline_namespace_get(space, "k", 1, buffer, sizeof buffer, &length));
  CHECK_RESULT(FENCELINE_ERROR_NO_NAMESPACE,
               fenceline_namespace_read(space, "k", 1, keep_length, &length));
  CHECK_RESULT(FENCELINE_ERROR_NO_NAMESPACE, fenceline_namespace_count(space, &count));
  CHECK_RESULT(FENCELINE_ERROR_NO_NAMESPACE,
               fenceline_namespace_compare_and_swap(space, "k", 1, NULL, 0, "v", 1, 0));
  CHECK_RESULT(FENCELINE_ERROR_NO_NAMESPACE,
               fenceline_namespace_scan(space, NULL, 0, NULL, 0, FENCELINE_ASCENDING, SIZE_MAX,
                                        join_key, keys));
  CHECK_RESULT(FENCELINE_ERROR_NO_NAMESPACE,
               fenceline_namespace_write(store, &operation, 1, 0));
}

static void check_arguments(fenceline_store *store, fenceline_namespace *space) {
  fenceline_namespace *other;
  char long_name[257];
  char *long_key = calloc(1, 65528);
  size_t length;
  memset(long_name, 'n', 256);
  long_name[256] = 0;
  CHECK_INVALID(fenceline_namespace_create(store, "", NULL));
  CHECK_INVALID(fenceline_namespace_create(store, NULL, NULL));
  CHECK_INVALID(fenceline_namespace_create(store, long_name, NULL));
  CHECK_INVALID(fenceline_namespace_create(store, "\xff", NULL));
  CHECK_INVALID(fenceline_namespace_create(NULL, "x", NULL));
  CHECK_INVALID(fenceline_namespace_open(store, "a", 0, NULL));
  CHECK_INVALID(fenceline_namespace_open_in(NULL, "a", &other));
  CHECK_INVALID(fenceline_namespace_drop(NULL, "a"));
  CHECK_INVALID(fenceline_namespace_list(store, NULL, NULL));
  CHECK_INVALID(fenceline_namespace_put(NULL, "k", 1, "v", 1));
  CHECK_INVALID(fenceline_namespace_get(space, "k", 1, NULL, 1, &length));
  CHECK_INVALID(fenceline_namespace_read(space, "k", 1, NULL, NULL));
  CHECK_INVALID(fenceline_namespace_count(space, NULL));
  CHECK_INVALID(fenceline_namespace_write(store, NULL, 1, 0));
  CHECK_RESULT(FENCELINE_ERROR_KEY_TOO_LONG,
               fenceline_namespace_put(space, long_key, 65528, "v", 1));
  CHECK(strstr(fenceline_last_error(), "65527") != NULL);
  CHECK_DONE(fenceline_namespace_put(space, long_key, 65527, "v", 1));
  CHECK_DONE(fenceline_namespace_delete(space, long_key, 65527));
  free(long_key);
  fenceline_namespace_close(NULL);
}

void test_namespaces(const char *directory) {
  fenceline_store *store = open_store(directory);
  fenceline_namespace *a, *b, *old;
  fenceline_snapshot *snapshot;
  fenceline_changes *changes;
  uint64_t count;
  size_t length = 0;
  char text[512] = "";
  char buffer[2];

  CHECK_DONE(fenceline_changes_begin(store, "", 0, &changes));
  CHECK_RESULT(FENCELINE_ERROR_NO_NAMESPACE, fenceline_namespace_open(store, "a", 0, &a));
  CHECK(a == NULL);
  CHECK_DONE(fenceline_namespace_create(store, "a", &a));
  CHECK_RESULT(FENCELINE_ERROR_NAMESPACE_EXISTS, fenceline_namespace_create(store, "a", &b));
  CHECK_DONE(fenceline_namespace_open(store, "b", 1, &b));
  check_names(store, "a b");
  check_arguments(store, a);

  /* The same key in three places, written together. */
  {
    const fenceline_namespace_operation operations[] = {
        {NULL, {"k", 1, "0", 1}, 0},
        {a, {"k", 1, "1", 1}, 0},
        {b, {"k", 1, "2", 1}, 0},
        {b, {"none", 4, NULL, 0}, 0}};
    CHECK_DONE(fenceline_namespace_write(store, operations, 4, 1));
  }
  check_text(store, "k", "0");
  check_value(a, "k", "1");
  check_value(b, "k", "2");
  put(a, "long", "three");
  CHECK_RESULT(FENCELINE_ERROR_BUFFER_TOO_SMALL,
               fenceline_namespace_get(a, "long", 4, buffer, sizeof buffer, &length));
  CHECK(length == 5);
  CHECK_DONE(fenceline_namespace_read(a, "long", 4, keep_length, &length));
  CHECK(length == 5);
  CHECK_DONE(fenceline_namespace_count(a, &count));
  CHECK(count == 2);
  CHECK_DONE(fenceline_namespace_scan(a, NULL, 0, NULL, 0, FENCELINE_DESCENDING, SIZE_MAX,
                                      join_key, text));
  CHECK(strcmp(text, "longk") == 0);
  check_keys(store, "k");
  CHECK_RESULT(FENCELINE_DIFFERENT,
               fenceline_namespace_compare_and_swap(a, "k", 1, "0", 1, "x", 1, 0));
  CHECK_DONE(fenceline_namespace_compare_and_swap(a, "k", 1, "1", 1, "x", 1, 0));
  check_value(a, "k", "x");
  CHECK_DONE(fenceline_namespace_delete(b, "k", 1));
  CHECK_RESULT(FENCELINE_NOT_FOUND, fenceline_namespace_delete(b, "k", 1));
  check_value(b, "k", NULL);

  CHECK_DONE(fenceline_snapshot_begin(store, &snapshot));
  CHECK_DONE(fenceline_namespace_drop(store, "a"));
  CHECK_RESULT(FENCELINE_ERROR_NO_NAMESPACE, fenceline_namespace_drop(store, "a"));
  check_gone(store, a);
  check_names(store, "b");
  CHECK_DONE(fenceline_namespace_open_in(snapshot, "a", &old));
  check_value(old, "k", "x");
  CHECK_RESULT(FENCELINE_ERROR_READ_ONLY, fenceline_namespace_put(old, "k", 1, "y", 1));
  fenceline_namespace_close(old);
  fenceline_snapshot_end(snapshot);
  check_text(store, "k", "0");

  /* Values that end, on their own and together. */
  CHECK_DONE(fenceline_namespace_put_until(b, "late", 4, "1", 1, 4102444800000, 1));
  CHECK_DONE(fenceline_namespace_expiry(b, "late", 4, &count));
  CHECK(count == 4102444800000);
  {
    const fenceline_namespace_operation operations[] = {{b, {"late", 4, "2", 1}, 0},
                                                        {b, {"past", 4, "3", 1}, 1}};
    CHECK_DONE(fenceline_namespace_write(store, operations, 2, 0));
  }
  CHECK_DONE(fenceline_namespace_expiry(b, "late", 4, &count));
  CHECK(count == 0);
  check_value(b, "past", NULL);
  CHECK_RESULT(FENCELINE_NOT_FOUND, fenceline_namespace_expiry(b, "past", 4, &count));

  /* What was written to "a" is left out; its end is told. */
  text[0] = 0;
  while (fenceline_changes_next(changes, join_change, text, NULL) == FENCELINE_DONE) {
  }
  CHECK(strcmp(text, "-:k=0 b:k=2 b:k a! b:late@=1 b:late=2 b:past=3 ") == 0);
  fenceline_changes_end(changes);
  fenceline_namespace_close(a);
  fenceline_namespace_close(b);
  CHECK_DONE(fenceline_compact(store));
  CHECK_DONE(fenceline_close(store));
}
