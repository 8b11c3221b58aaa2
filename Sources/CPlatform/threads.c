// Slots of threads, and the two halves of a fence.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

_Thread_local unsigned cp_own_slot;

static uint64_t taken_slots;
static pthread_key_t slot_key;
static pthread_once_t slot_once = PTHREAD_ONCE_INIT;
static bool slots_end_with_threads;

/// The key's value is one more than the slot.
static void give_slot_back(void *value) {
  const uint64_t slot = (uintptr_t)value - 1;
  // Another destructor of this thread may ask anew.
  cp_own_slot = 0;
  __atomic_fetch_and(&taken_slots, ~(UINT64_C(1) << slot), __ATOMIC_RELEASE);
}

static void create_key(void) {
  slots_end_with_threads = pthread_key_create(&slot_key, give_slot_back) == 0;
}

_Static_assert(CP_THREAD_SLOTS == 64, "a slot is a bit of one word");

unsigned cp_take_thread_slot(void) {
  pthread_once(&slot_once, create_key);
  if (!slots_end_with_threads) return CP_THREAD_SLOTS;
  uint64_t taken = __atomic_load_n(&taken_slots, __ATOMIC_RELAXED);
  while (~taken != 0) {
    const unsigned slot = (unsigned)__builtin_ctzll(~taken);
    // Acquire: what the thread before did with the slot has happened.
    if (!__atomic_compare_exchange_n(&taken_slots, &taken, taken | UINT64_C(1) << slot, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
      continue;
    if (pthread_setspecific(slot_key, (void *)(uintptr_t)(slot + 1)) != 0) {
      __atomic_fetch_and(&taken_slots, ~(UINT64_C(1) << slot), __ATOMIC_RELEASE);
      break;
    }
    cp_own_slot = slot + 1;
    return slot;
  }
  return CP_THREAD_SLOTS;
}

bool cp_light_fence_is_free;
static pthread_once_t fence_once = PTHREAD_ONCE_INIT;

static bool interrupt_all_threads(int command) { return syscall(SYS_membarrier, command, 0, 0) == 0; }

static void register_process(void) {
  cp_light_fence_is_free = interrupt_all_threads(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

void cp_prepare_heavy_fence(void) { pthread_once(&fence_once, register_process); }

bool cp_heavy_fence(void) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return !cp_light_fence_is_free || interrupt_all_threads(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}
