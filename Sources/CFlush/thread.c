// Thread numbers for traces: an operating system's ids may be reused within one process.
#include "CFlush.h"

uint64_t fl_thread_id(void) {
  static uint64_t last;
  static _Thread_local uint64_t own;
  if (own == 0) own = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
  return own;
}
