// Thread numbers for traces: an operating system's ids may be reused within one process.
#include "CFlush.h"

uint64_t fl_thread_id(void) {
  static uint64_t last;
  // Eight bytes at a fixed distance from the thread's own: in a shared library anything else is a
  // call, on every get and put.
  static _Thread_local uint64_t own __attribute__((tls_model("initial-exec")));
  if (own == 0) own = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
  return own;
}
