// Calls that need _GNU_SOURCE or constants hidden behind it.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

int cp_lock_exclusively(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }

int cp_unlock(int descriptor) { return flock(descriptor, LOCK_UN); }

long cp_file_system_type(int descriptor) {
  struct statfs status;
  if (fstatfs(descriptor, &status) != 0) return -1;
  return (long)(unsigned int)status.f_type;
}

int cp_punch_hole(int descriptor, int64_t offset, int64_t length) {
  return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

int cp_open_unnamed(int directory) {
  return openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

int cp_rename_exclusively(int directory, const char *from, const char *to) {
  if (renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (linkat(directory, from, directory, to, 0) != 0) return -1;
  // It has its name; one name too many goes with the next opening.
  unlinkat(directory, from, 0);
  return 0;
}

bool cp_supports_map_sync(int descriptor, bool writable) {
  const size_t length = 4096;
  int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void *address =
      mmap(NULL, length, protection, MAP_SHARED_VALIDATE | MAP_SYNC, descriptor, 0);
  if (address == MAP_FAILED) return false;
  munmap(address, length);
  return true;
}

bool cp_has_memory(size_t length) {
  if (length == 0) return true;
  void *address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return false;
  munmap(address, length);
  return true;
}

void cp_give_back_free_memory(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

void cp_share_heap_in_limited_space(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) mallopt(M_ARENA_MAX, 1);
}

bool cp_random(void *bytes, size_t count) {
  unsigned char *next = bytes;
  while (count > 0) {
    ssize_t got = getrandom(next, count, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    next += got;
    count -= (size_t)got;
  }
  return true;
}
