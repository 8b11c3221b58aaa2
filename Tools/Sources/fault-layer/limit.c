// A limit of the address space: real failures of mappings and large allocations, all that come once it is
// reached, in whatever the process does.
#define _GNU_SOURCE
#include "layer.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

// What Swift's runtime and the tool itself allocate in small pieces can't fail without ending the process.
enum { heap_room = 16 << 20, piece = 64 << 10, pieces = heap_room / piece };

static rlim_t limit = RLIM_INFINITY;

static bool set(rlim_t wanted) {
  struct rlimit both;
  if (getrlimit(RLIMIT_AS, &both) != 0) return false;
  both.rlim_cur = wanted;
  return setrlimit(RLIMIT_AS, &both) == 0;
}

static void fill_heap(void) {
  // One heap, which is never given back; what is large is mapped, as usual.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 4 * heap_room);
  mallopt(M_MMAP_THRESHOLD, 2 * piece);
  static void *filled[pieces];
  for (int i = 0; i < pieces; i++) filled[i] = malloc(piece);
  for (int i = 0; i < pieces; i++) free(filled[i]);
}

bool fault_limit_memory(size_t room) {
  fill_heap();
  FILE *file = fopen("/proc/self/statm", "re");
  if (file == NULL) return false;
  unsigned long mapped = 0;
  const bool is_read = fscanf(file, "%lu", &mapped) == 1;
  fclose(file);
  if (!is_read) return false;
  limit = mapped * (rlim_t)sysconf(_SC_PAGESIZE) + room;
  return set(limit);
}

void fault_end_limit(void) {
  if (limit != RLIM_INFINITY) set(RLIM_INFINITY);
  limit = RLIM_INFINITY;
}

void layer_lift_limit(bool lifts) {
  if (limit != RLIM_INFINITY) set(lifts ? RLIM_INFINITY : limit);
}
