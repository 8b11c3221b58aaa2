/* memory.c - see memory.h. */
#include "memory.h"
#include "output.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int statm = -1;
static uint64_t before;
static _Atomic uint64_t peak;

/* Resident pages that no file is behind. */
static uint64_t anonymous_bytes(void) {
  char text[256];
  unsigned long long resident, shared;
  const ssize_t length = pread(statm, text, sizeof text - 1, 0);
  if (length <= 0) fail("/proc/self/statm can't be read");
  text[length] = '\0';
  if (sscanf(text, "%*u %llu %llu", &resident, &shared) != 2)
    fail("/proc/self/statm is not as it should be");
  return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t memory_now(void) {
  const uint64_t bytes = anonymous_bytes(), engine = bytes > before ? bytes - before : 0;
  uint64_t highest = atomic_load(&peak);
  while (engine > highest && !atomic_compare_exchange_weak(&peak, &highest, engine)) continue;
  return engine;
}

uint64_t memory_peak(void) {
  memory_now();
  return atomic_load(&peak);
}

static void *watch(void *unused) {
  for (;;) {
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    memory_now();
  }
  return unused;
}

void memory_start(void) {
  statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (statm < 0) fail("/proc/self/statm can't be opened");
  pthread_t thread;
  if (pthread_create(&thread, NULL, watch, NULL) != 0) fail("pthread_create");
  pthread_detach(thread);
  before = anonymous_bytes();
}
