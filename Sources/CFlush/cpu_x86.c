// CPUID and XGETBV. A vector extension counts only if the operating system saves its registers.
#if defined(__x86_64__)
#include <cpuid.h>
#include <stddef.h>

#include "cpu.h"

static uint64_t enabled_state(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

typedef struct fl_cpu_model {
  uint32_t vendor;  // the first four letters, as CPUID gives them
  uint32_t family, model;
} fl_cpu_model;

/// CPUs on which a non-temporal store of a whole line leaves the line in no cache.
static const fl_cpu_model evicting[] = {
    // AMD Zen 3 (EPYC 7003). Fastest tenth of 2001 reloads after such a store, in ticks of
    // 0.44 ns of which reading the clock takes 68: 292 where the line had been in L1, modified or
    // clean; 292 to 315 from L2, 293 from L3, 292 from another core's L1. Reloads for comparison:
    // 292 from memory, 157 from the other core, 112 from L3, 67 from L1.
    {signature_AMD_ebx, 0x19, 0x01},
};

/// A hypervisor may show any family and model, and may move the machine to another CPU: there, no
/// CPU counts as known.
static bool evicts_on_stream(uint32_t signature, bool is_guest) {
  uint32_t highest, vendor, c, d;
  if (is_guest || !__get_cpuid(0, &highest, &vendor, &c, &d)) return false;
  const uint32_t base = signature >> 8 & 0xf;
  const uint32_t family = base == 0xf ? base + (signature >> 20 & 0xff) : base;
  const uint32_t model = (signature >> 4 & 0xf) | (signature >> 16 & 0xf) << 4;
  for (size_t i = 0; i < sizeof evicting / sizeof *evicting; i += 1) {
    const fl_cpu_model *known = &evicting[i];
    if (known->vendor == vendor && known->family == family && known->model == model) return true;
  }
  return false;
}

void fl_cpu_detect(fl_cpu *cpu) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return;
  cpu->sse42 = (c & bit_SSE4_2) != 0;
  cpu->pclmul = (c & bit_PCLMUL) != 0 && cpu->sse42;
  cpu->clflush = (d & 1u << 19) != 0;  // CLFSH
  cpu->evicts_on_stream = evicts_on_stream(a, (c & 1u << 31) != 0);
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
