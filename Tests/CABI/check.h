/*
 * What the tests of the C interface share. Each case gets the path of an empty directory of its own;
 * the first check that does not hold ends the program with its place and what the library said.
 */
#ifndef CHECK_H
#define CHECK_H

#include <fenceline.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

/* The call must give the result; an error must have a text. */
#define CHECK_RESULT(wanted, call) check_result(__FILE__, __LINE__, #call, (wanted), (call))
#define CHECK_DONE(call) CHECK_RESULT(FENCELINE_DONE, call)
#define CHECK_INVALID(call) CHECK_RESULT(FENCELINE_ERROR_INVALID_ARGUMENT, call)

void check_failed(const char *file, int line, const char *text);
void check_result(const char *file, int line, const char *call, int wanted, int result);

/* directory/name; valid until the fourth call after it. */
const char *path_in(const char *directory, const char *name);
/* Opens the store directory/store. */
fenceline_store *open_store(const char *directory);
void put_text(fenceline_store *store, const char *key, const char *value);
/* The key must have the value, or none where `value` is NULL. */
void check_text(fenceline_store *store, const char *key, const char *value);
/* The keys of a whole scan, joined by spaces, must be these. */
void check_keys(fenceline_store *store, const char *wanted);
/* Changes one byte of a file. */
void flip_byte(const char *path, long offset);

/* The cases; main.c runs them. */
void test_values(const char *directory);
void test_batches(const char *directory);
void test_statistics(const char *directory);
void test_many_values(const char *directory);
void test_visitors(const char *directory);
void test_scans(const char *directory);
void test_snapshots(const char *directory);
void test_changes(const char *directory);
void test_namespaces(const char *directory);
void test_swaps(const char *directory);
void test_null_pointers(const char *directory);
void test_lengths(const char *directory);
void test_options(const char *directory);
void test_opening_errors(const char *directory);
void test_damage(const char *directory);
void test_failed_writes(const char *directory);
void test_error_texts(const char *directory);
void test_abandoned_store(const char *directory);
void test_followers(const char *directory);
void test_threads(const char *directory);
void test_forked_child(const char *directory);
void test_forked_orphan(const char *directory);
/* Cases that need an environment of their own: see check_c_interface in Tools/lib/cabi.sh. */
void test_full_medium(const char *directory);
void test_permission(const char *directory);
void test_unavailable(const char *directory);

#endif
