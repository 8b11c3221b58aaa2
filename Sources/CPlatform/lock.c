// The slow halves of a lock that is one word: wait for it, and wake who waits.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void cp_lock_wait(uint32_t *word) {
  // Whoever got here says that somebody waits, and goes on saying so once it has the lock.
  while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0)
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

void cp_lock_wake(uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }
