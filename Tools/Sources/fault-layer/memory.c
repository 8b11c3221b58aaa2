// Mappings: those that can't be had, pages that raise SIGBUS, and libpmem's functions, which map and
// flush files.
#define _GNU_SOURCE
#define _LARGEFILE64_SOURCE
#include "layer.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { page_size = 4096 };

static char poisoned_name[NAME_MAX + 1];
static size_t poisoned_page;
static _Atomic(uint64_t) poisoned_count;

void fault_poison(const char *name, size_t page) {
  snprintf(poisoned_name, sizeof poisoned_name, "%s", name == NULL ? "" : name);
  poisoned_page = page;
}

uint64_t fault_poisoned(void) { return atomic_load(&poisoned_count); }

// A page of a file without a byte: every load and store there raises SIGBUS.
static bool poison(char *address, int protection) {
  int empty = memfd_create("poison", MFD_CLOEXEC);
  if (empty < 0) return false;
  void *page =
      REAL(mmap)(address, page_size, protection, MAP_SHARED | MAP_FIXED, empty, 0);
  close(empty);
  if (page == MAP_FAILED) return false;
  atomic_fetch_add(&poisoned_count, 1);
  return true;
}

// Held while mappings are listed and replaced: what another thread gives back meanwhile may come back as
// anything.
static pthread_mutex_t unmapping = PTHREAD_MUTEX_INITIALIZER;

int munmap(void *address, size_t length) {
  pthread_mutex_lock(&unmapping);
  const int result = REAL(munmap)(address, length);
  pthread_mutex_unlock(&unmapping);
  return result;
}

static size_t poison_listed(const char *name, size_t page) {
  FILE *maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) return 0;
  char line[PATH_MAX + 100];
  struct { char *address; int protection; } found[64];
  size_t count = 0;
  const size_t wanted = page * page_size;
  while (count < 64 && fgets(line, sizeof line, maps) != NULL) {
    unsigned long start, end, offset;
    char access[5];
    int path_start = 0;
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %n", &start, &end, access, &offset, &path_start) < 4)
      continue;
    const char *last = strrchr(line + path_start, '/');
    if (last == NULL || strcmp(last + 1, name) != 0) continue;
    if (wanted < offset || wanted - offset >= end - start) continue;
    found[count].address = (char *)start + (wanted - offset);
    found[count++].protection = PROT_READ | (access[1] == 'w' ? PROT_WRITE : 0);
  }
  fclose(maps);
  size_t done = 0;
  for (size_t i = 0; i < count; i++) done += poison(found[i].address, found[i].protection);
  return done;
}

size_t fault_poison_mapped(const char *name, size_t page) {
  pthread_mutex_lock(&unmapping);
  const size_t done = poison_listed(name, page);
  pthread_mutex_unlock(&unmapping);
  return done;
}

static void poison_new(void *address, size_t length, int protection, int descriptor, off_t offset) {
  if (poisoned_name[0] == 0 || !layer_is_named(descriptor, poisoned_name)) return;
  const size_t wanted = poisoned_page * page_size;
  if (wanted >= (size_t)offset && wanted - (size_t)offset < length)
    poison((char *)address + (wanted - (size_t)offset), protection);
}

// Whether a mapping that is asked for fails.
static bool map_fails(int flags, int descriptor) {
  if (flags & MAP_ANONYMOUS) return !(flags & MAP_FIXED) && layer_fails(FAULT_MAP_MEMORY);
  return layer_watches(descriptor) && layer_fails(FAULT_MAP);
}

#define MAP(name, offset_type)                                                             \
  void *name(void *address, size_t length, int protection, int flags, int descriptor,      \
             offset_type offset) {                                                         \
    if (map_fails(flags, descriptor)) return MAP_FAILED;                                   \
    void *result = REAL(name)(address, length, protection, flags, descriptor, offset);     \
    if (result != MAP_FAILED && descriptor >= 0)                                           \
      poison_new(result, length, protection, descriptor, offset);                          \
    return result;                                                                         \
  }

MAP(mmap, off_t)
MAP(mmap64, off64_t)

void *pmem_map_file(const char *path, size_t length, int flags, mode_t mode, size_t *mapped,
                    int *is_pmem) {
  if (layer_watches_name(-1, path) && layer_fails(FAULT_PMEM_MAP)) return NULL;
  return REAL(pmem_map_file)(path, length, flags, mode, mapped, is_pmem);
}

int pmem_deep_persist(const void *address, size_t length) {
  if (layer_fails(FAULT_PMEM_PERSIST)) return -1;
  return REAL(pmem_deep_persist)(address, length);
}
