/* Changes: every transaction once, in order, and tokens that lead on. */
#include "check.h"

static void join_changes(void *context, const fenceline_change *change) {
  char *text = context;
  CHECK(change->space == NULL);
  strncat(text, change->key, change->key_length);
  if (change->expires != 0) sprintf(text + strlen(text), "@%" PRIu64, change->expires);
  if (change->value == NULL)
    strcat(text, "! ");
  else
    strcat(strncat(strcat(text, "="), change->value, change->value_length), " ");
}

static void check_next(fenceline_changes *changes, const char *wanted) {
  char text[256] = "";
  uint64_t sequence = 0;
  CHECK_DONE(fenceline_changes_next(changes, join_changes, text, &sequence));
  if (strcmp(text, wanted) != 0) check_failed(text, 0, wanted);
  CHECK(sequence > 0);
}

void test_changes(const char *directory) {
  fenceline_store *store = open_store(directory);
  fenceline_changes *all, *early, *later;
  fenceline_snapshot *snapshot;
  char token[FENCELINE_TOKEN_SIZE], text[256] = "";
  CHECK_DONE(fenceline_changes_begin(store, "", 1, &all));
  CHECK_DONE(fenceline_changes_begin(store, NULL, 0, &early));
  put_text(store, "a", "1");
  CHECK_DONE(fenceline_delete(store, "a", 1));
  put_text(store, "", "");
  check_next(early, "a=1 ");
  CHECK_RESULT(FENCELINE_NOT_FOUND, fenceline_changes_next(all, join_changes, text, NULL));
  CHECK(text[0] == 0);
  CHECK_DONE(fenceline_sync(store));
  check_next(all, "a=1 ");
  CHECK_DONE(fenceline_changes_token(all, token, sizeof token));
  check_next(all, "a! ");
  check_next(all, "= ");
  CHECK_RESULT(FENCELINE_NOT_FOUND, fenceline_changes_next(all, join_changes, text, NULL));

  CHECK_DONE(fenceline_changes_begin(store, token, 1, &later));
  check_next(later, "a! ");
  fenceline_changes_end(later);
  CHECK_DONE(fenceline_snapshot_begin(store, &snapshot));
  CHECK_DONE(fenceline_changes_begin_behind(snapshot, 0, &later));
  fenceline_snapshot_end(snapshot);
  put_text(store, "b", "2");
  check_next(later, "b=2 ");
  CHECK_DONE(fenceline_put_until(store, "b", 1, "3", 1, 4102444800000, 0));
  check_next(later, "b@4102444800000=3 ");
  fenceline_changes_end(later);

  strcpy(strrchr(token, '-'), "-99");
  CHECK_DONE(fenceline_changes_begin(store, token, 1, &later));
  CHECK_RESULT(FENCELINE_ERROR_UNKNOWN_TOKEN,
               fenceline_changes_next(later, join_changes, text, NULL));
  fenceline_changes_end(later);
  CHECK_INVALID(fenceline_changes_begin(store, "no token", 1, &later));
  CHECK(later == NULL);
  CHECK_INVALID(fenceline_changes_begin(NULL, "", 1, &later));
  CHECK_INVALID(fenceline_changes_begin(store, "", 1, NULL));
  CHECK_INVALID(fenceline_changes_begin_behind(NULL, 1, &later));
  CHECK_INVALID(fenceline_changes_next(NULL, join_changes, text, NULL));
  CHECK_INVALID(fenceline_changes_next(all, NULL, text, NULL));
  CHECK_INVALID(fenceline_changes_token(NULL, token, sizeof token));
  CHECK_INVALID(fenceline_changes_token(all, NULL, sizeof token));
  CHECK_RESULT(FENCELINE_ERROR_BUFFER_TOO_SMALL, fenceline_changes_token(all, token, 4));
  fenceline_changes_end(NULL);
  fenceline_changes_end(early);
  fenceline_changes_end(all);
  CHECK_DONE(fenceline_close(store));
}
