// A copy of more than 4 GiB whose length, cut to 32 bits, would be shorter than the bytes up to the
// first line boundary. Both sides are one small file, mapped again and again.
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

#if SIZE_MAX > UINT32_MAX

static const size_t file_size = (size_t)64 << 20;
static const size_t mapped = ((size_t)4 << 30) + ((size_t)64 << 20);

static unsigned char *map_repeatedly(void) {
  const int file = memfd_create("huge", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, (off_t)file_size) != 0) return NULL;
  unsigned char *const bytes =
      mmap(NULL, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED) return NULL;
  for (size_t at = 0; at < mapped; at += file_size) {
    if (mmap(bytes + at, file_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) ==
        MAP_FAILED) {
      return NULL;
    }
  }
  close(file);
  return bytes;
}

const char *cft_check_huge_copy(const fl_core *core) {
  unsigned char *const destination = map_repeatedly(), *const source = map_repeatedly();
  if (destination == NULL || source == NULL) return failure("no address space");
  const size_t count = ((size_t)4 << 30) + 2, to = 60;
  fill_random(source, 4096, 9);
  fill_random(source + file_size - 4096, 4096, 10);
  fl_copy_flushcache(core, destination + to, source, count);
  fl_fence(core);
  const char *message = NULL;
  // The last lap is what is left: bytes 0 and 1 of it, and the whole of the lap before.
  if (memcmp(destination + to, source, 4096) != 0) message = failure("the start differs");
  if (memcmp(destination + to + file_size - 4096, source + file_size - 4096, 4096) != 0) {
    message = failure("the end differs");
  }
  munmap(destination, mapped);
  munmap(source, mapped);
  return message;
}

#else

const char *cft_check_huge_copy(const fl_core *core) {
  (void)core;
  return NULL;
}

#endif
