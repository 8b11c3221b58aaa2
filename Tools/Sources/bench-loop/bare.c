/* bare.c - see bare.h. */
#include "bare.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int bare_file(const struct plan *plan, size_t length) {
  char path[4096];
  snprintf(path, sizeof path, "%s/bare", plan->setup.directory);
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) fail("%s: %s", path, strerror(errno));
  unlink(path);
  int error = posix_fallocate(file, 0, (off_t)length);
  if (error != 0) fail("%s: %s", path, strerror(error));
  return file;
}

#if defined(__x86_64__)

#include <immintrin.h>

/* clwb may keep the line; clflush does not, and every x86-64 CPU has it. */
static void evict(uint8_t *memory, size_t length) {
  for (size_t at = 0; at < length; at += LINE) _mm_clflush(memory + at);
  _mm_mfence();
}

#else

static void evict(uint8_t *memory, size_t length) { (void)memory, (void)length; }

#endif

uint8_t *bare_map(const struct plan *plan, size_t length) {
  int file = bare_file(plan, length);
  uint8_t *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) fail("mmap: %s", strerror(errno));
  close(file);
  memset(memory, 0x5a, length);
  evict(memory, length);
  return memory;
}

void bare_unmap(uint8_t *memory, size_t length) { munmap(memory, length); }

uint64_t bare_count(const struct plan *plan, uint64_t most, size_t length) {
  const size_t largest = (size_t)1 << 30;
  if (plan->writes < most) most = plan->writes;
  return most * length <= largest ? most : largest / length;
}

const uint8_t *bare_source(const struct data *data, uint64_t operation) {
  struct operation put;
  data_prepare_extra(data, &put, operation);
  return put.value;
}
