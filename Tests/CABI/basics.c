/* What the calls do when all is well. */
#include "check.h"

void test_values(const char *directory) {
  fenceline_store *store = open_store(directory);
  char buffer[8] = "-------";
  size_t length = 99;

  CHECK(strcmp(fenceline_last_error(), "") == 0);
  check_text(store, "key", NULL);
  /* "Not found" is no error. */
  CHECK(strcmp(fenceline_last_error(), "") == 0);
  put_text(store, "key", "value");
  check_text(store, "key", "value");
  put_text(store, "key", "other");
  check_text(store, "key", "other");

  /* A buffer that fits exactly, one that is a byte too small, none at all. */
  CHECK_DONE(fenceline_get(store, "key", 3, buffer, 5, &length));
  CHECK(length == 5 && memcmp(buffer, "other--", 8) == 0);
  memcpy(buffer, "-------", 8);
  CHECK_RESULT(FENCELINE_ERROR_BUFFER_TOO_SMALL,
               fenceline_get(store, "key", 3, buffer, 4, &length));
  CHECK(length == 5 && memcmp(buffer, "-------", 8) == 0);
  CHECK_RESULT(FENCELINE_ERROR_BUFFER_TOO_SMALL,
               fenceline_get(store, "key", 3, NULL, 0, &length));
  CHECK(length == 5);
  CHECK_DONE(fenceline_get(store, "key", 3, buffer, SIZE_MAX, &length));
  CHECK(length == 5);

  /* Empty keys and values, with and without a pointer; bytes that are not text. */
  CHECK_DONE(fenceline_put(store, NULL, 0, NULL, 0));
  length = 99;
  CHECK_DONE(fenceline_get(store, "", 0, NULL, 0, &length));
  CHECK(length == 0);
  CHECK_DONE(fenceline_put(store, "\0\xff", 2, "\0\0\0", 3));
  CHECK_DONE(fenceline_get(store, "\0\xff", 2, buffer, sizeof buffer, &length));
  CHECK(length == 3 && memcmp(buffer, "\0\0\0", 3) == 0);

  CHECK_DONE(fenceline_delete(store, "key", 3));
  CHECK_RESULT(FENCELINE_NOT_FOUND, fenceline_delete(store, "key", 3));
  check_text(store, "key", NULL);
  CHECK_DONE(fenceline_delete(store, NULL, 0));

  /* A large value, past the size from which values carry several checksums. */
  {
    const size_t size = 300000;
    unsigned char *large = malloc(size), *copy = malloc(size);
    for (size_t index = 0; index < size; index++) large[index] = (unsigned char)(index * 31);
    CHECK_DONE(fenceline_put(store, "large", 5, large, size));
    CHECK_DONE(fenceline_get(store, "large", 5, copy, size, &length));
    CHECK(length == size && memcmp(large, copy, size) == 0);
    free(large);
    free(copy);
  }
  /* A value that ends in the year 2100, one that has ended, and one that lasts. */
  {
    const uint64_t far = UINT64_C(4102444800000);
    uint64_t expires = 99;
    CHECK_DONE(fenceline_put_until(store, "ends", 4, "v", 1, far, 0));
    CHECK_DONE(fenceline_expiry(store, "ends", 4, &expires));
    CHECK(expires == far);
    check_text(store, "ends", "v");
    CHECK_DONE(fenceline_put_until(store, "ends", 4, "v", 1, 1, 1));
    check_text(store, "ends", NULL);
    CHECK_RESULT(FENCELINE_NOT_FOUND, fenceline_expiry(store, "ends", 4, &expires));
    CHECK(expires == 0);
    put_text(store, "ends", "v");
    CHECK_DONE(fenceline_expiry(store, "ends", 4, &expires));
    CHECK(expires == 0);
    CHECK_DONE(fenceline_delete(store, "ends", 4));
  }
  CHECK_DONE(fenceline_sync(store));
  CHECK_DONE(fenceline_close(store));
  CHECK_DONE(fenceline_close(NULL));

  store = open_store(directory);
  CHECK_RESULT(FENCELINE_DONE, fenceline_get(store, "\0\xff", 2, buffer, sizeof buffer, &length));
  CHECK_DONE(fenceline_close(store));
}

void test_batches(const char *directory) {
  fenceline_store *store = open_store(directory);
  const fenceline_operation first[] = {
      {"a", 1, "1", 1}, {"b", 1, "2", 1}, {"c", 1, "", 0}, {"none", 4, NULL, 0}, {NULL, 0, "e", 1}};
  /* In order: the last operation on a key counts. */
  const fenceline_operation second[] = {{"a", 1, "3", 1}, {"a", 1, NULL, 0}, {"b", 1, NULL, 0},
                                        {"b", 1, "4", 1}, {"d", 1, "5", 1},  {"d", 1, NULL, 0}};
  const fenceline_operation bad[] = {{"x", 1, "1", 1}, {"y", 1, NULL, 7}, {"z", 1, "1", 1}};
  const fenceline_operation one = {"one", 3, "1", 1}, none = {"one", 3, NULL, 0};
  size_t length;
  char byte;

  CHECK_DONE(fenceline_write(store, first, 5, 1));
  check_text(store, "a", "1");
  check_text(store, "c", "");
  check_text(store, "none", NULL);
  CHECK_DONE(fenceline_get(store, NULL, 0, &byte, 1, &length));
  CHECK_DONE(fenceline_write(store, second, 6, 0));
  check_text(store, "a", NULL);
  check_text(store, "b", "4");
  check_text(store, "d", NULL);

  /* Nothing of a batch with a fault is written. */
  CHECK_INVALID(fenceline_write(store, bad, 3, 1));
  check_text(store, "x", NULL);
  check_text(store, "z", NULL);

  CHECK_DONE(fenceline_write(store, &one, 1, 1));
  check_text(store, "one", "1");
  CHECK_DONE(fenceline_write(store, &none, 1, 0));
  check_text(store, "one", NULL);
  CHECK_DONE(fenceline_write(store, &none, 1, 1));
  CHECK_DONE(fenceline_write(store, NULL, 0, 0));
  CHECK_DONE(fenceline_write(store, first, 0, 1));
  CHECK_DONE(fenceline_close(store));
}

/* What a visitor of several values saw. */
struct seen_values {
  size_t count;
  char text[8][4];
  unsigned char is_missing[8];
};

static void note_value(void *context, size_t number, const void *value, size_t length) {
  struct seen_values *seen = context;
  CHECK(number == seen->count && number < 8 && length < 4);
  seen->is_missing[number] = value == NULL;
  if (length > 0) memcpy(seen->text[number], value, length);
  seen->count++;
}

void test_many_values(const char *directory) {
  fenceline_store *store = open_store(directory);
  fenceline_key keys[40] = {{"a", 1}, {"none", 4}, {"b", 1}, {"", 0}, {"a", 1}, {NULL, 0}};
  struct seen_values seen;
  fenceline_store_statistics statistics;
  put_text(store, "a", "1");
  put_text(store, "b", "22");
  put_text(store, "", "");
  memset(&seen, 0, sizeof seen);
  CHECK_DONE(fenceline_read_many(store, keys, 6, note_value, &seen));
  CHECK(seen.count == 6 && strcmp(seen.text[0], "1") == 0 && strcmp(seen.text[2], "22") == 0);
  CHECK(strcmp(seen.text[4], "1") == 0 && seen.is_missing[1] == 1 && seen.is_missing[0] == 0);
  CHECK(seen.is_missing[3] == 0 && seen.is_missing[5] == 0 && seen.text[3][0] == 0);
  CHECK_DONE(fenceline_read_many(store, NULL, 0, note_value, &seen));
  CHECK_INVALID(fenceline_read_many(store, NULL, 1, note_value, &seen));
  CHECK_INVALID(fenceline_read_many(store, keys, 1, NULL, &seen));
  CHECK_INVALID(fenceline_read_many(NULL, keys, 1, note_value, &seen));
  keys[7].key = NULL;
  keys[7].key_length = 1;
  CHECK_INVALID(fenceline_read_many(store, keys, 8, note_value, &seen));
  CHECK(seen.count == 6);

  CHECK_INVALID(fenceline_compact(NULL));
  for (int round = 0; round < 20000; round++) put_text(store, "a", round % 2 ? "1" : "3");
  memset(&statistics, 0, sizeof statistics);
  statistics.size = sizeof statistics;
  CHECK_DONE(fenceline_compact(store));
  CHECK_DONE(fenceline_statistics(store, &statistics));
  CHECK(statistics.live_bytes > 60 && statistics.live_bytes < 200);
  CHECK(statistics.dead_bytes < 65536 && statistics.free_bytes > 0);
  CHECK(statistics.reserved_bytes >= 4096);
  memset(&seen, 0, sizeof seen);
  CHECK_DONE(fenceline_read_many(store, keys, 1, note_value, &seen));
  CHECK(strcmp(seen.text[0], "1") == 0);
  CHECK_DONE(fenceline_close(store));
}

void test_statistics(const char *directory) {
  fenceline_store *store = open_store(directory);
  fenceline_store_statistics statistics;
  struct {
    fenceline_store_statistics known;
    unsigned char more[32];
  } longer;
  put_text(store, "a", "1");
  put_text(store, "b", "2");

  memset(&statistics, 0xee, sizeof statistics);
  statistics.size = sizeof statistics;
  CHECK_DONE(fenceline_statistics(store, &statistics));
  CHECK(statistics.size == sizeof statistics && statistics.key_count == 2);
  CHECK(statistics.segment_count == 1 && statistics.damage_count == 0);
  CHECK(statistics.journal_capacity_in_bytes >= 4096 && statistics.index_bytes > 0);
  CHECK(statistics.durable_survival >= statistics.buffered_survival);
  CHECK(statistics.durable_survival <= FENCELINE_SURVIVES_POWER_FAILURE);
  CHECK(statistics.reserved == 0 && statistics.is_forced <= 1 && statistics.was_closed == 0);
  CHECK(strlen(statistics.medium) > 0 && strlen(statistics.copy_policy) > 0);

  /* An older program gets what it knows, a newer one zeros for what it knows beyond this. */
  memset(&statistics, 0xee, sizeof statistics);
  statistics.size = 2 * sizeof(uint64_t);
  CHECK_DONE(fenceline_statistics(store, &statistics));
  CHECK(statistics.key_count == 2 && statistics.segment_count == 0xeeeeeeeeeeeeeeee);
  memset(&longer, 0xee, sizeof longer);
  longer.known.size = sizeof longer;
  CHECK_DONE(fenceline_statistics(store, &longer.known));
  CHECK(longer.known.key_count == 2 && longer.more[0] == 0 && longer.more[31] == 0);
  for (size_t size = 0; size < 8; size++) {
    statistics.size = size;
    CHECK_INVALID(fenceline_statistics(store, &statistics));
  }
  statistics.size = SIZE_MAX;
  CHECK_INVALID(fenceline_statistics(store, &statistics));
  CHECK_DONE(fenceline_close(store));

  store = open_store(directory);
  longer.known.size = sizeof statistics;
  CHECK_DONE(fenceline_statistics(store, &longer.known));
  CHECK(longer.known.was_closed == 1 && longer.known.had_torn_tail == 0);
  CHECK_DONE(fenceline_close(store));
}
