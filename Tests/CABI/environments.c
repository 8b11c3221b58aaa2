/* Cases that need something of their environment: see check_c_interface in Tools/lib/cabi.sh. */
#include "check.h"

/* The directory lies on a file system of 2 MiB. */
void test_full_medium(const char *directory) {
  static char value[4096];
  fenceline_store *store = open_store(directory);
  char key[16];
  int count = 0, result;
  do {
    snprintf(key, sizeof key, "%06d", count);
    result = fenceline_put(store, key, 6, value, sizeof value);
  } while (result == FENCELINE_DONE && ++count < 100000);
  CHECK_RESULT(FENCELINE_ERROR_FULL, result);
  CHECK(count > 10);
  for (int index = 0; index < count; index++) {
    size_t length;
    snprintf(key, sizeof key, "%06d", index);
    CHECK_DONE(fenceline_get(store, key, 6, value, sizeof value, &length));
    CHECK(length == sizeof value);
  }
  CHECK_DONE(fenceline_delete(store, "000000", 6));
  CHECK_DONE(fenceline_close(store));
}

/* This process may not write to the directory "closed" beside its own. */
void test_permission(const char *directory) {
  fenceline_store *store;
  CHECK_RESULT(FENCELINE_ERROR_PERMISSION,
               fenceline_open(path_in(directory, "../closed/store"), NULL, &store));
  CHECK(store == NULL);
}

/* The environment forces a copy core that no machine has. */
void test_unavailable(const char *directory) {
  fenceline_store *store;
  CHECK_RESULT(FENCELINE_ERROR_UNAVAILABLE,
               fenceline_open(path_in(directory, "store"), NULL, &store));
  CHECK(store == NULL);
}
