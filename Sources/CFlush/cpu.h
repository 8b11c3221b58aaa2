// What this CPU has, found once. Fields of other architectures stay false.
#ifndef CFLUSH_CPU_H
#define CFLUSH_CPU_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fl_cpu {
  bool avx2, avx512;  // the instructions and the operating system's support for the registers
  bool clflush, clflushopt, clwb;
  bool sse42, pclmul, vpclmul, vpclmul512;
  bool cvap, cvac;
  bool arm_crc;
  /// A non-temporal store is known to evict the line that it hits (see cpu_x86.c).
  bool evicts_on_stream;
} fl_cpu;

/// Fills in what the architecture's own file finds.
void fl_cpu_detect(fl_cpu *cpu);

/// The same answer for the life of the process.
const fl_cpu *fl_cpu_features(void);

#endif
