/// Threads: numbers for them, fences that only one side pays for, and a lock. Included by CPlatform.h.
#ifndef CPLATFORM_THREADS_H
#define CPLATFORM_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Slots.

/// Threads alive at one time that have a slot of their own.
#define CP_THREAD_SLOTS 64
/// One more than this thread's slot; 0 as long as it has asked for none.
extern _Thread_local unsigned cp_own_slot __attribute__((tls_model("initial-exec")));
unsigned cp_take_thread_slot(void);
/// A number below `CP_THREAD_SLOTS` that no other living thread has, or `CP_THREAD_SLOTS` where all are
/// taken. It is given back when the thread ends.
static inline unsigned cp_thread_slot(void) {
  const unsigned own = cp_own_slot;
  return __builtin_expect(own != 0, 1) ? own - 1 : cp_take_thread_slot();
}

// Fences. Of two threads one of which executes the light one and the other the heavy one, each between a
// store and a load, at least one loads what the other stored.

/// Gets ready; to be called before the first fence of either kind. Calling again does nothing.
void cp_prepare_heavy_fence(void);
/// Costs nothing where the kernel can interrupt all threads for the heavy one.
static inline void cp_light_fence(void) {
  // Changed only while no thread is between two fences.
  extern bool cp_light_fence_is_free;
  if (__builtin_expect(cp_light_fence_is_free, 1)) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  } else {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }
}
/// About a microsecond. False where the system has come to refuse it: nothing is known then.
bool cp_heavy_fence(void);

// A lock of one word: 0 free, 1 held, 2 held and waited for. Knows no owner, so that a child made by
// fork() may use one that is free. The word behind it counts who waits, or is about to.

void cp_lock_wait(uint32_t *word, bool is_patient);
void cp_lock_wake(uint32_t *word);
/// Pauses for some microseconds as long as somebody waits for the lock, which the caller does not have but
/// is going to take again: it would get it sooner than who was there before.
void cp_lock_let_in(uint32_t *word);
/// Takes the lock; waits for it. Who is patient does not sleep for a good while, so that others need not
/// wake it: for one background thread.
static inline void cp_lock(uint32_t *word, bool is_patient) {
  uint32_t is_free = 0;
  if (!__atomic_compare_exchange_n(word, &is_free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    cp_lock_wait(word, is_patient);
}
/// Gives the lock back.
static inline void cp_unlock_word(uint32_t *word) {
  if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2) cp_lock_wake(word);
}

#endif
