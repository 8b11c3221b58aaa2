// The SIGBUS guard. A truncated file or a media error under a mapping raises SIGBUS at the load; for
// our ranges the handler puts a page of zeros there and resumes, so the reader's checksum fails and
// it asks here why. Everything the handler touches is lock-free and async-signal-safe.
//
// Invariant: a slot's range is published by its `length` (release) after `start`, and taken back by
// length = 0 before the owner unmaps.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

enum { slot_count = 4096, page_size = 4096 };

typedef struct guard_slot {
  _Atomic(uintptr_t) start;
  _Atomic(size_t) length;       // 0: free, or being filled in
  _Atomic(size_t) first_fault;  // offset, SIZE_MAX: none
  atomic_bool taken;
} guard_slot;

static guard_slot slots[slot_count];
static _Atomic(int) used_slots;  // slots below this index may be in use
uint64_t cp_guard_faults;
static struct sigaction previous_action;
static bool installed;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool cover_fault(uintptr_t address) {
  int limit = atomic_load_explicit(&used_slots, memory_order_acquire);
  for (int i = 0; i < limit; i++) {
    size_t length = atomic_load_explicit(&slots[i].length, memory_order_acquire);
    uintptr_t start = atomic_load_explicit(&slots[i].start, memory_order_relaxed);
    if (length == 0 || address < start || address - start >= length) continue;
    uintptr_t page = address & ~(uintptr_t)(page_size - 1);
    void *zeros = mmap((void *)page, page_size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (zeros == MAP_FAILED) return false;
    size_t none = SIZE_MAX;
    atomic_compare_exchange_strong(&slots[i].first_fault, &none, page - start);
    __atomic_fetch_add(&cp_guard_faults, 1, __ATOMIC_SEQ_CST);
    return true;
  }
  return false;
}

static void handle(int signal_number, siginfo_t *info, void *context) {
  if (cover_fault((uintptr_t)info->si_addr)) return;
  if (previous_action.sa_flags & SA_SIGINFO) {
    previous_action.sa_sigaction(signal_number, info, context);
  } else if (previous_action.sa_handler == SIG_DFL || previous_action.sa_handler == SIG_IGN) {
    // The default ends the process when the faulting load runs again.
    sigaction(signal_number, &previous_action, NULL);
  } else {
    previous_action.sa_handler(signal_number);
  }
}

static void install_once(void) {
  struct sigaction action = {0};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  installed = sigaction(SIGBUS, &action, &previous_action) == 0;
}

bool cp_guard_install(void) {
  pthread_once(&once, install_once);
  return installed;
}

int cp_guard_add(const void *start, size_t length) {
  for (int i = 0; i < slot_count; i++) {
    bool free_slot = false;
    if (!atomic_compare_exchange_strong(&slots[i].taken, &free_slot, true)) continue;
    atomic_store_explicit(&slots[i].first_fault, SIZE_MAX, memory_order_relaxed);
    atomic_store_explicit(&slots[i].start, (uintptr_t)start, memory_order_relaxed);
    atomic_store_explicit(&slots[i].length, length, memory_order_release);
    int limit = atomic_load(&used_slots);
    while (limit < i + 1 && !atomic_compare_exchange_weak(&used_slots, &limit, i + 1)) {
    }
    return i;
  }
  return -1;
}

void cp_guard_remove(int slot) {
  if (slot < 0) return;
  atomic_store_explicit(&slots[slot].length, 0, memory_order_release);
  atomic_store_explicit(&slots[slot].taken, false, memory_order_release);
}

size_t cp_guard_first_fault(int slot) {
  if (slot < 0) return SIZE_MAX;
  return atomic_load_explicit(&slots[slot].first_fault, memory_order_acquire);
}
