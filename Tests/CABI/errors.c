/* Every error that can be provoked without an environment of its own. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static void write_file(const char *path) {
  FILE *file = fopen(path, "w");
  CHECK(file != NULL && fclose(file) == 0);
}

/* Opens with the given required survival; the store must not open. */
static void check_refusal(int wanted, const char *path, int read_only, int must_exist) {
  fenceline_options options = {0};
  fenceline_store *store = (fenceline_store *)(void *)&options;
  options.size = sizeof options;
  options.read_only = (uint32_t)read_only;
  options.must_exist = (uint32_t)must_exist;
  CHECK_RESULT(wanted, fenceline_open(path, &options, &store));
  CHECK(store == NULL);
}

void test_opening_errors(const char *directory) {
  fenceline_store *store, *second;
  fenceline_options options = {0};
  check_refusal(FENCELINE_ERROR_NO_STORE, path_in(directory, "none"), 0, 1);
  check_refusal(FENCELINE_ERROR_NO_STORE, path_in(directory, "none"), 1, 0);
  CHECK(strstr(fenceline_last_error(), "none: no store there") != NULL);
  check_refusal(FENCELINE_ERROR_SYSTEM, path_in(directory, "none/below"), 0, 0);
  check_refusal(FENCELINE_ERROR_SYSTEM, "", 0, 0);

  CHECK(mkdir(path_in(directory, "foreign"), 0777) == 0);
  write_file(path_in(directory, "foreign/file"));
  check_refusal(FENCELINE_ERROR_NOT_A_STORE, path_in(directory, "foreign"), 0, 0);
  check_refusal(FENCELINE_ERROR_SYSTEM, path_in(directory, "foreign/file"), 0, 0);

  store = open_store(directory);
  CHECK_RESULT(FENCELINE_ERROR_LOCKED,
               fenceline_open(path_in(directory, "store"), NULL, &second));
  CHECK(second == NULL);
  CHECK_DONE(fenceline_close(store));

  options.size = sizeof options;
  options.required_survival = FENCELINE_SURVIVES_POWER_FAILURE;
  CHECK_RESULT(FENCELINE_ERROR_SURVIVAL,
               fenceline_open(path_in(directory, "store"), &options, &store));
}

/* CRC32C, bit by bit, of what stands before a segment header's checksum. */
static uint32_t crc32c(const unsigned char *bytes, size_t count) {
  uint32_t crc = 0xffffffff;
  for (size_t index = 0; index < count; index++) {
    crc ^= bytes[index];
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82f63b78 & (0 - (crc & 1)));
  }
  return ~crc;
}

void test_damage(const char *directory) {
  const char *segment = path_in(directory, "store/00000001.segment");
  const char *path = path_in(directory, "store");
  unsigned char header[128];
  uint32_t crc;
  FILE *file;
  char byte;
  size_t length = 99;
  fenceline_store *store = open_store(directory);
  put_text(store, "a", "first");
  CHECK_DONE(fenceline_sync(store));
  put_text(store, "b", "second");
  CHECK_DONE(fenceline_sync(store));

  /* Under an open store: the first record's value, at offset 4096 + 20 + 1. */
  flip_byte(segment, 4117);
  CHECK_RESULT(FENCELINE_ERROR_CORRUPT, fenceline_get(store, "a", 1, &byte, 1, &length));
  CHECK(length == 0 && strstr(fenceline_last_error(), "00000001.segment") != NULL);
  check_text(store, "b", "second");
  flip_byte(segment, 4117);
  check_text(store, "a", "first");
  CHECK_DONE(fenceline_close(store));

  flip_byte(segment, 4117);
  check_refusal(FENCELINE_ERROR_CORRUPT, path, 0, 0);
  {
    fenceline_options options = {0};
    fenceline_store_statistics statistics;
    options.size = sizeof options;
    options.read_only = 1;
    statistics.size = sizeof statistics;
    CHECK_DONE(fenceline_open(path, &options, &store));
    check_text(store, "b", "second");
    CHECK_RESULT(FENCELINE_ERROR_CORRUPT, fenceline_get(store, "a", 1, &byte, 1, &length));
    CHECK_DONE(fenceline_statistics(store, &statistics));
    CHECK(statistics.damage_count == 1);
    CHECK_DONE(fenceline_close(store));
  }
  flip_byte(segment, 4117);

  /* Format 2, with a right checksum. */
  CHECK((file = fopen(segment, "r+b")) != NULL);
  CHECK(fread(header, 1, sizeof header, file) == sizeof header && header[8] == 1);
  header[8] = 2;
  crc = crc32c(header, 124);
  for (int index = 0; index < 4; index++) header[124 + index] = (unsigned char)(crc >> 8 * index);
  CHECK(fseek(file, 0, SEEK_SET) == 0 && fwrite(header, 1, sizeof header, file) == sizeof header);
  CHECK(fclose(file) == 0);
  check_refusal(FENCELINE_ERROR_NEWER_FORMAT, path, 0, 0);
}

/* Bytes that are gone under an open store raise SIGBUS, which the library takes for an error. */
static void check_lost_bytes(const char *directory) {
  fenceline_store *store;
  char byte;
  size_t length;
  CHECK(mkdir(path_in(directory, "lost"), 0777) == 0);
  store = open_store(path_in(directory, "lost"));
  put_text(store, "a", "first");
  CHECK(truncate(path_in(directory, "lost/store/00000001.segment"), 0) == 0);
  CHECK_RESULT(FENCELINE_ERROR_MEDIA, fenceline_get(store, "a", 1, &byte, 1, &length));
  CHECK(fenceline_close(store) < 0);
}

/* A write that fails makes unknown what is durable. On a disk only: memory takes every write. */
void test_failed_writes(const char *directory) {
  const char *disk = getenv("FENCELINE_DISK");
  struct rlimit before, none;
  fenceline_store *store;
  int result;
  check_lost_bytes(directory);
  if (disk == NULL) return;
  store = open_store(disk);
  put_text(store, "a", "1");
  CHECK_DONE(fenceline_sync(store));
  put_text(store, "b", "2");
  CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
  none = before;
  none.rlim_cur = 0;
  CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &none) == 0);
  result = fenceline_sync(store);
  CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK_RESULT(FENCELINE_ERROR_SYSTEM, result);
  CHECK_RESULT(FENCELINE_ERROR_POISONED, fenceline_put(store, "c", 1, "3", 1));
  CHECK_RESULT(FENCELINE_ERROR_POISONED, fenceline_sync(store));
  check_text(store, "a", "1");
  CHECK_RESULT(FENCELINE_ERROR_POISONED, fenceline_close(store));
  store = open_store(disk);
  check_keys(store, "a");
  CHECK_DONE(fenceline_close(store));
}

void test_error_texts(const char *directory) {
  char path[1600];
  const char *text;
  size_t length;
  const size_t start = strlen(directory);
  /* A path of two-byte characters that is longer than the text can be, cut at either parity. */
  for (size_t odd = 0; odd < 2; odd++) {
    memcpy(path, directory, start);
    length = start;
    path[length++] = '/';
    if (odd != 0) path[length++] = 'x';
    while (length < 1500) {
      memcpy(path + length, length % 100 < 98 ? "\xc3\xa9" : "/x", 2);
      length += 2;
    }
    path[length] = 0;
    check_refusal(FENCELINE_ERROR_NO_STORE, path, 0, 1);
    text = fenceline_last_error();
    length = strlen(text);
    CHECK(length == 1023 || length == 1022);
    CHECK((text[length - 1] & 0x80) == 0 || (unsigned char)text[length - 2] == 0xc3);
    /* What follows the cut is the rest of no character. */
    CHECK(((unsigned char)path[length] & 0xc0) != 0x80);
  }
}
