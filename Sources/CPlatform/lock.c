// The slow halves of a lock that is one word: wait for it, and wake who waits.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static void pause_for(int steps) {
  for (int i = 0; i < steps; i += 1) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
  }
}

/// How often somebody looks at a lock before sleeping at it, and the longest pause between two looks. Pauses
/// get longer, up to several puts: who has the lock gets on with the lines that its core has, and a lock that
/// goes back and forth takes them along each time.
struct patience {
  int looks, longest_pause;
};

/// A put takes less time than going to sleep does.
static const struct patience usual = {12, 256};
/// Somebody who works without a pause between two writes gives the lock back for a moment only each time, and
/// has to wake who sleeps at it, which takes as long as ten writes.
static const struct patience much = {128, 64};

static void wait_for(uint32_t *word, struct patience patience) {
  int pause = 1;
  for (int i = 0; i < patience.looks; i += 1) {
    uint32_t is_free = 0;
    if (__atomic_load_n(word, __ATOMIC_RELAXED) == 0 &&
        __atomic_compare_exchange_n(word, &is_free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
      return;
    pause_for(pause);
    if (pause < patience.longest_pause) pause *= 2;
  }
  // Whoever got here says that somebody waits, and goes on saying so once it has the lock.
  while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0)
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

void cp_lock_wait(uint32_t *word, bool is_patient) {
  __atomic_fetch_add(word + 1, 1, __ATOMIC_RELAXED);
  wait_for(word, is_patient ? much : usual);
  __atomic_fetch_sub(word + 1, 1, __ATOMIC_RELAXED);
}

void cp_lock_let_in(uint32_t *word) {
  for (int i = 0; i < usual.looks && __atomic_load_n(word + 1, __ATOMIC_RELAXED) != 0; i += 1)
    pause_for(usual.longest_pause);
}

void cp_lock_wake(uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }
