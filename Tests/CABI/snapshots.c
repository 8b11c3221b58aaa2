/* Snapshots and swaps: what stays as it was, and what is refused. */
#include "check.h"

static void see_text(void *context, const void *value, size_t value_length) {
  char *text = context;
  memcpy(text, value, value_length);
  text[value_length] = 0;
}

static int join_entries(void *context, const void *key, size_t key_length, const void *value,
                        size_t value_length) {
  char *text = context;
  strncat(strncat(text, key, key_length), "=", 2);
  strncat(strncat(text, value, value_length), " ", 2);
  return 0;
}

static void check_scan_of(fenceline_snapshot *snapshot, const char *from, int direction,
                          size_t limit, const char *wanted) {
  char text[256] = "";
  CHECK_DONE(fenceline_snapshot_scan(snapshot, from, from == NULL ? 0 : strlen(from), NULL, 0,
                                     direction, limit, join_entries, text));
  if (strcmp(text, wanted) != 0) check_failed(text, 0, wanted);
}

void test_snapshots(const char *directory) {
  fenceline_store *store = open_store(directory);
  fenceline_snapshot *first, *second;
  char text[64];
  size_t length;
  put_text(store, "a", "1");
  put_text(store, "b", "1");
  CHECK_DONE(fenceline_snapshot_begin(store, &first));
  CHECK(fenceline_snapshot_sequence(first) == 2);
  put_text(store, "a", "2");
  CHECK_DONE(fenceline_delete(store, "b", 1));
  put_text(store, "c", "1");
  CHECK_DONE(fenceline_snapshot_begin(store, &second));
  CHECK(fenceline_snapshot_sequence(second) == 5);
  CHECK_DONE(fenceline_compact(store));

  CHECK_DONE(fenceline_snapshot_get(first, "a", 1, text, sizeof text, &length));
  CHECK(length == 1 && text[0] == '1');
  CHECK_DONE(fenceline_snapshot_read(first, "b", 1, see_text, text));
  CHECK(strcmp(text, "1") == 0);
  CHECK_RESULT(FENCELINE_NOT_FOUND, fenceline_snapshot_get(first, "c", 1, text, 64, &length));
  CHECK_RESULT(FENCELINE_NOT_FOUND, fenceline_snapshot_read(second, "b", 1, see_text, text));
  CHECK_RESULT(FENCELINE_ERROR_BUFFER_TOO_SMALL,
               fenceline_snapshot_get(first, "a", 1, NULL, 0, &length));
  CHECK(length == 1);
  check_scan_of(first, NULL, FENCELINE_ASCENDING, SIZE_MAX, "a=1 b=1 ");
  check_scan_of(second, NULL, FENCELINE_DESCENDING, SIZE_MAX, "c=1 a=2 ");
  check_scan_of(second, "b", FENCELINE_ASCENDING, 1, "c=1 ");

  fenceline_snapshot_end(first);
  CHECK_INVALID(fenceline_snapshot_begin(NULL, &first));
  CHECK(first == NULL);
  CHECK_INVALID(fenceline_snapshot_begin(store, NULL));
  CHECK_INVALID(fenceline_snapshot_get(NULL, "a", 1, text, sizeof text, &length));
  CHECK_INVALID(fenceline_snapshot_get(second, "a", 1, text, sizeof text, NULL));
  CHECK_INVALID(fenceline_snapshot_get(second, "a", 1, NULL, 1, &length));
  CHECK_INVALID(fenceline_snapshot_read(second, "a", 1, NULL, NULL));
  CHECK_INVALID(fenceline_snapshot_read(second, NULL, 1, see_text, text));
  CHECK_INVALID(fenceline_snapshot_scan(NULL, NULL, 0, NULL, 0, 0, 1, join_entries, text));
  CHECK_INVALID(fenceline_snapshot_scan(second, NULL, 0, NULL, 0, 7, 1, join_entries, text));
  CHECK(fenceline_snapshot_sequence(NULL) == 0);
  fenceline_snapshot_end(NULL);
  fenceline_snapshot_end(second);
  CHECK_DONE(fenceline_close(store));
}

void test_swaps(const char *directory) {
  fenceline_store *store = open_store(directory);
  CHECK_RESULT(FENCELINE_DIFFERENT, fenceline_compare_and_swap(store, "k", 1, "1", 1, "2", 1, 0));
  CHECK_DONE(fenceline_compare_and_swap(store, "k", 1, NULL, 0, "1", 1, 1));
  CHECK_RESULT(FENCELINE_DIFFERENT, fenceline_compare_and_swap(store, "k", 1, NULL, 0, "2", 1, 0));
  CHECK_RESULT(FENCELINE_DIFFERENT, fenceline_compare_and_swap(store, "k", 1, "", 0, "2", 1, 0));
  check_text(store, "k", "1");
  CHECK_DONE(fenceline_compare_and_swap(store, "k", 1, "1", 1, "", 0, 0));
  check_text(store, "k", "");
  CHECK_DONE(fenceline_compare_and_swap(store, "k", 1, "", 0, NULL, 0, 1));
  check_text(store, "k", NULL);
  CHECK_INVALID(fenceline_compare_and_swap(NULL, "k", 1, NULL, 0, "1", 1, 0));
  CHECK_INVALID(fenceline_compare_and_swap(store, NULL, 1, NULL, 0, "1", 1, 0));
  CHECK_INVALID(fenceline_compare_and_swap(store, "k", 1, NULL, 1, "1", 1, 0));
  CHECK_INVALID(fenceline_compare_and_swap(store, "k", 1, NULL, 0, NULL, 1, 0));
  CHECK_RESULT(FENCELINE_ERROR_KEY_TOO_LONG,
               fenceline_compare_and_swap(store, "k", 65536, NULL, 0, "1", 1, 0));
  CHECK_DONE(fenceline_close(store));
}
