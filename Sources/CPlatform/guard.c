// The SIGBUS guard. A truncated file or a media error under a mapping raises SIGBUS at the load; for
// our ranges the handler puts a page of zeros there and resumes, so the reader's checksum fails and
// it asks here why. Everything the handler touches is lock-free and async-signal-safe.
//
// Every page that was covered is remembered: a later read of another page must not pass for sound.
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

// As many as Linux lets a process have mappings, unless it is told otherwise.
enum { slot_count = 65536, page_size = 4096 };

typedef struct guard_slot {
  _Atomic(uintptr_t) start;
  _Atomic(size_t) length;        // 0: free, or being filled in
  _Atomic(atomic_ulong *) faults;  // a bit for each page, mapped at the first fault
  atomic_bool taken;
} guard_slot;

static guard_slot slots[slot_count];
static _Atomic(int) used_slots;  // slots below this index may be in use
static _Atomic(int) free_hint;   // those below this one are in use, unless one was just given back
uint64_t cp_guard_faults;
static struct sigaction previous_action;
static bool installed;
static pthread_once_t once = PTHREAD_ONCE_INIT;

enum { bits_per_word = 8 * sizeof(unsigned long) };

static void *map_zeros(void *address, size_t length, int flags) {
  return mmap(address, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static size_t fault_bytes(size_t length) {
  size_t pages = (length + page_size - 1) / page_size;
  return (pages + bits_per_word - 1) / bits_per_word * sizeof(unsigned long);
}

// Whether the page could be noted.
static bool note_fault(guard_slot *slot, size_t length, size_t page) {
  atomic_ulong *faults = atomic_load_explicit(&slot->faults, memory_order_acquire);
  if (faults == NULL) {
    atomic_ulong *own = map_zeros(NULL, fault_bytes(length), 0);
    if (own == MAP_FAILED) return false;
    if (atomic_compare_exchange_strong(&slot->faults, &faults, own)) {
      faults = own;
    } else {
      munmap(own, fault_bytes(length));
    }
  }
  atomic_fetch_or(&faults[page / bits_per_word], 1ul << page % bits_per_word);
  return true;
}

static bool cover_fault(uintptr_t address) {
  int limit = atomic_load_explicit(&used_slots, memory_order_acquire);
  for (int i = 0; i < limit; i++) {
    size_t length = atomic_load_explicit(&slots[i].length, memory_order_acquire);
    uintptr_t start = atomic_load_explicit(&slots[i].start, memory_order_relaxed);
    if (length == 0 || address < start || address - start >= length) continue;
    uintptr_t page = address & ~(uintptr_t)(page_size - 1);
    // Noted before there is anything to read there.
    if (!note_fault(&slots[i], length, (page - start) / page_size)) return false;
    if (map_zeros((void *)page, page_size, MAP_FIXED) == MAP_FAILED) return false;
    __atomic_fetch_add(&cp_guard_faults, 1, __ATOMIC_SEQ_CST);
    return true;
  }
  return false;
}

static void handle(int signal_number, siginfo_t *info, void *context) {
  // One that somebody sent has no address, and no load that runs again.
  const bool is_fault = info->si_code > 0;
  if (is_fault && cover_fault((uintptr_t)info->si_addr)) return;
  if (previous_action.sa_flags & SA_SIGINFO) {
    previous_action.sa_sigaction(signal_number, info, context);
  } else if (previous_action.sa_handler == SIG_DFL || previous_action.sa_handler == SIG_IGN) {
    // The default ends the process when the faulting load runs again, or the signal comes again.
    sigaction(signal_number, &previous_action, NULL);
    if (!is_fault) raise(signal_number);
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

// Takes the first free slot from one on; -1 where there is none.
static int take_slot(int first) {
  for (int i = first; i < slot_count; i++) {
    bool taken = atomic_load_explicit(&slots[i].taken, memory_order_relaxed);
    if (!taken && atomic_compare_exchange_strong(&slots[i].taken, &taken, true)) return i;
  }
  return -1;
}

int cp_guard_add(const void *start, size_t length) {
  int hint = atomic_load(&free_hint);
  int i = take_slot(hint);
  if (i < 0) i = take_slot(0);
  if (i < 0) return -1;
  atomic_compare_exchange_strong(&free_hint, &hint, i + 1);
  atomic_store_explicit(&slots[i].start, (uintptr_t)start, memory_order_relaxed);
  atomic_store_explicit(&slots[i].length, length, memory_order_release);
  int limit = atomic_load(&used_slots);
  while (limit < i + 1 && !atomic_compare_exchange_weak(&used_slots, &limit, i + 1)) {
  }
  return i;
}

void cp_guard_remove(int slot) {
  if (slot < 0) return;
  size_t length = atomic_exchange_explicit(&slots[slot].length, 0, memory_order_acq_rel);
  atomic_ulong *faults = atomic_exchange(&slots[slot].faults, NULL);
  if (faults != NULL) munmap(faults, fault_bytes(length));
  atomic_store_explicit(&slots[slot].taken, false, memory_order_release);
  int hint = atomic_load(&free_hint);
  while (slot < hint && !atomic_compare_exchange_weak(&free_hint, &hint, slot)) {
  }
}

size_t cp_guard_first_fault(int slot, size_t start, size_t end) {
  if (slot < 0) return SIZE_MAX;
  atomic_ulong *faults = atomic_load_explicit(&slots[slot].faults, memory_order_acquire);
  if (faults == NULL) return SIZE_MAX;
  size_t length = atomic_load_explicit(&slots[slot].length, memory_order_relaxed);
  if (end > length) end = length;
  for (size_t page = start / page_size; page * page_size < end; page++) {
    unsigned long word = atomic_load(&faults[page / bits_per_word]);
    if (word == 0) {
      page |= bits_per_word - 1;
    } else if (word >> page % bits_per_word & 1) {
      return page * page_size;
    }
  }
  return SIZE_MAX;
}
