// The write-back of lines and the fence that completes it, per architecture.
//
// The instruction is chosen by a branch on `kind`, not by a call through a pointer: the branch is
// always predicted. Inline assembly needs no target attribute, so every copy loop can include this.
#ifndef CFLUSH_FLUSH_H
#define CFLUSH_FLUSH_H

#include "core.h"

#if defined(__x86_64__) && FL_HAS_FLUSHCACHE

#define FL_FLUSH_EACH(instruction)                               \
  for (; count > 0; count -= 1) {                                \
    __asm__ volatile(instruction " %0" : : "m"(*line) : "memory"); \
    line += FL_LINE_SIZE;                                        \
  }

/// Every one of the three is ordered after older stores of this thread to the same line.
static inline void fl_flush_lines_now(fl_flush_kind kind, const unsigned char *line,
                                      size_t count) {
  if (kind == FL_FLUSH_CLWB) {
    FL_FLUSH_EACH("clwb")
  } else if (kind == FL_FLUSH_CLFLUSHOPT) {
    FL_FLUSH_EACH("clflushopt")
  } else if (kind == FL_FLUSH_CLFLUSH) {
    FL_FLUSH_EACH("clflush")
  }
}

#undef FL_FLUSH_EACH

static inline void fl_fence_now(void) { __asm__ volatile("sfence" : : : "memory"); }

#elif defined(__aarch64__) && FL_HAS_FLUSHCACHE

/// `dc cvap` cleans to the point of persistence. It is spelled as the system instruction it is, so
/// that the assembler needs no extension. `dc cvac` stops at the point of coherency.
static inline void fl_flush_lines_now(fl_flush_kind kind, const unsigned char *line,
                                      size_t count) {
  // A cache may have shorter lines than the 64 bytes that are one here; CTR_EL0 tells (log2 of
  // 4-byte words). Longer ones are cleaned more than once.
  uint64_t type;
  __asm__("mrs %0, ctr_el0" : "=r"(type));
  const size_t shortest = (size_t)4 << (type >> 16 & 0xf);
  const size_t step = shortest < FL_LINE_SIZE ? shortest : FL_LINE_SIZE;
  const unsigned char *const end = line + count * FL_LINE_SIZE;
  if (kind == FL_FLUSH_CVAP) {
    for (; line < end; line += step) {
      __asm__ volatile("sys #3, c7, c12, #1, %0" : : "r"(line) : "memory");
    }
  } else if (kind == FL_FLUSH_CVAC) {
    for (; line < end; line += step) __asm__ volatile("dc cvac, %0" : : "r"(line) : "memory");
  }
}

/// Only a DSB waits for cache maintenance; a DMB would order stores alone.
static inline void fl_fence_now(void) { __asm__ volatile("dsb sy" : : : "memory"); }

#else

static inline void fl_flush_lines_now(fl_flush_kind kind, const unsigned char *line,
                                      size_t count) {
  (void)kind;
  (void)line;
  (void)count;
}

static inline void fl_fence_now(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#endif
#endif
