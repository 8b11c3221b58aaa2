// The plan, the counters, and the question whether a call concerns the watched directory.
#define _GNU_SOURCE
#include "layer.h"

#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char watched[PATH_MAX];
static size_t watched_length;
static fault_plan plan;
static bool has_plan;
static _Atomic(bool) is_on;
static _Atomic(bool) was_on;
static _Atomic(bool) notes_sites;
static _Atomic(uint64_t) calls[FAULT_FUNCTION_COUNT];
static _Atomic(uint64_t) hits;

enum { most_sites = 4096, most_frames = 24, own_frames = 2 };
static uint64_t sites[FAULT_FUNCTION_COUNT][most_sites];
static size_t site_counts[FAULT_FUNCTION_COUNT];

void fault_watch(const char *directory) {
  watched_length = strlen(directory);
  memcpy(watched, directory, watched_length + 1);
}

void fault_begin(const fault_plan *wanted) {
  has_plan = wanted != NULL;
  if (has_plan) plan = *wanted;
  for (int i = 0; i < FAULT_FUNCTION_COUNT; i++) atomic_store(&calls[i], 0);
  atomic_store(&hits, 0);
  atomic_store(&is_on, true);
}

void fault_pause(void) {
  atomic_store(&was_on, atomic_exchange(&is_on, false));
  layer_lift_limit(true);
}

void fault_resume(void) {
  layer_lift_limit(false);
  atomic_store(&is_on, atomic_load(&was_on));
}

void fault_end(void) {
  atomic_store(&is_on, false);
  has_plan = false;
}

uint64_t fault_calls(fault_function function) { return atomic_load(&calls[function]); }
uint64_t fault_hits(void) { return atomic_load(&hits); }
size_t fault_sites(fault_function function) { return site_counts[function]; }
void fault_note_sites(bool notes) { atomic_store(&notes_sites, notes); }

static void note_site(fault_function function) {
  void *frames[most_frames];
  int count = backtrace(frames, most_frames);
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (int i = own_frames; i < count; i++)
    hash = (hash ^ (uint64_t)(uintptr_t)frames[i]) * UINT64_C(0x100000001b3);
  size_t *known = &site_counts[function];
  for (size_t i = 0; i < *known; i++)
    if (sites[function][i] == hash) return;
  if (*known < most_sites) sites[function][(*known)++] = hash;
}

int layer_error(void) { return plan.error; }

fault_kind layer_take(fault_function function) {
  if (!atomic_load(&is_on)) return FAULT_NONE;
  uint64_t number = atomic_fetch_add(&calls[function], 1) + 1;
  if (atomic_load(&notes_sites)) note_site(function);
  if (!has_plan || plan.function != function) return FAULT_NONE;
  if (number != plan.number && !(plan.lasts && number > plan.number)) return FAULT_NONE;
  atomic_fetch_add(&hits, 1);
  return plan.kind;
}

bool layer_fails(fault_function function) {
  if (layer_take(function) == FAULT_NONE) return false;
  errno = plan.error;
  return true;
}

static bool is_below(const char *path) {
  return watched_length > 0 && strncmp(path, watched, watched_length) == 0 &&
         (path[watched_length] == '/' || path[watched_length] == 0);
}

// Past the layer itself; the number of bytes, or 0.
static size_t path_of(int descriptor, char *path) {
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return (size_t)length;
}

bool layer_watches(int descriptor) {
  if (!atomic_load(&is_on) || descriptor < 0) return false;
  char path[PATH_MAX];
  return path_of(descriptor, path) > 0 && is_below(path);
}

bool layer_watches_name(int directory, const char *name) {
  if (!atomic_load(&is_on) || name == NULL) return false;
  int number;
  // How libpmem is told which file to map.
  if (sscanf(name, "/proc/self/fd/%d", &number) == 1) return layer_watches(number);
  return name[0] == '/' ? is_below(name) : directory != AT_FDCWD && layer_watches(directory);
}

bool layer_is_named(int descriptor, const char *name) {
  char path[PATH_MAX];
  size_t length = path_of(descriptor, path);
  size_t wanted = strlen(name);
  return length > wanted && is_below(path) && path[length - wanted - 1] == '/' &&
         strcmp(path + length - wanted, name) == 0;
}

bool layer_is_directory(int descriptor) {
  struct stat status;
  return syscall(SYS_fstat, descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

static size_t count_lines(const char *file, const char *part) {
  FILE *maps = fopen(file, "re");
  if (maps == NULL) return 0;
  char line[PATH_MAX + 100];
  size_t count = 0;
  while (fgets(line, sizeof line, maps) != NULL) count += strstr(line, part) != NULL;
  fclose(maps);
  return count;
}

size_t fault_mapped_files(void) { return count_lines("/proc/self/maps", watched); }

size_t fault_open_files(void) {
  size_t count = 0;
  struct stat status;
  for (int descriptor = 0; descriptor < 1024; descriptor++)
    count += syscall(SYS_fstat, descriptor, &status) == 0;
  return count;
}
