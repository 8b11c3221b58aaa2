// A process that forks: its child must neither use what is open nor keep it locked.
#include "CPlatform.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

// One more than the descriptor; 0 is a free slot. Descriptors beyond the slots stay open in a child.
static _Atomic int held[4096];
static const int slot_count = sizeof held / sizeof held[0];

uint64_t cp_fork_count;

// Runs in the child, which has one thread.
static void on_fork(void) {
  cp_fork_count++;
  for (int slot = 0; slot < slot_count; slot++) {
    int value = atomic_exchange(&held[slot], 0);
    if (value != 0) close(value - 1);
  }
}

static void watch(void) { pthread_atfork(NULL, NULL, on_fork); }

void cp_fork_watch(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch);
}

int cp_fork_hold(int descriptor) {
  for (int slot = 0; slot < slot_count; slot++) {
    int expected = 0;
    if (atomic_compare_exchange_strong(&held[slot], &expected, descriptor + 1)) return slot;
  }
  return -1;
}

void cp_fork_release(int slot) {
  if (slot >= 0) atomic_store(&held[slot], 0);
}
