// CPUID and XGETBV. A vector extension counts only if the operating system saves its registers.
#if defined(__x86_64__)
#include <cpuid.h>

#include "cpu.h"

static uint64_t enabled_state(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

void fl_cpu_detect(fl_cpu *cpu) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return;
  cpu->sse42 = (c & bit_SSE4_2) != 0;
  cpu->pclmul = (c & bit_PCLMUL) != 0 && cpu->sse42;
  cpu->clflush = (d & 1u << 19) != 0;  // CLFSH
  const uint64_t state = (c & bit_OSXSAVE) != 0 ? enabled_state() : 0;
  const bool saves_avx = (state & 0x06) == 0x06;     // XMM, upper YMM
  const bool saves_avx512 = (state & 0xe6) == 0xe6;  // and mask registers, upper ZMM, ZMM16-31

  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
  cpu->avx2 = (b & bit_AVX2) != 0 && saves_avx;
  cpu->avx512 = (b & bit_AVX512F) != 0 && saves_avx512;
  cpu->clflushopt = (b & bit_CLFLUSHOPT) != 0;
  cpu->clwb = (b & bit_CLWB) != 0;
  cpu->vpclmul = (c & bit_VPCLMULQDQ) != 0 && cpu->avx2 && cpu->pclmul;
  cpu->vpclmul512 = cpu->vpclmul && cpu->avx512 && (b & bit_AVX512DQ) != 0 &&
                    (b & bit_AVX512VL) != 0;
}
#endif
