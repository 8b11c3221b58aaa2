/* clock.c - see clock.h. */
#include "clock.h"

#if defined(__x86_64__)

#include <cpuid.h>

const char *clock_source(void) {
  unsigned a, b, c, d = 0;
  __get_cpuid(0x80000007, &a, &b, &c, &d);
  return d & 1u << 8 ? "TSC" : "TSC, which this CPU does not keep at one speed";
}

#else

const char *clock_source(void) { return "CLOCK_MONOTONIC_RAW"; }

#endif

double clock_ticks_per_second(void) {
  static double result;
  if (result == 0) {
    uint64_t start = clock_nanoseconds();
    uint64_t first = clock_after_loads();
    uint64_t end;
    do {
      end = clock_nanoseconds();
    } while (end - start < 50000000);
    result = (double)(clock_after_loads() - first) * 1e9 / (double)(end - start);
  }
  return result;
}

enum { STAMPS = 10000 };

double clock_cost_after_loads(void) {
  uint64_t start = clock_after_loads();
  uint64_t last = start;
  for (int i = 0; i < STAMPS; i++) last = clock_after_loads();
  return (double)(last - start) / STAMPS / clock_ticks_per_second() * 1e9;
}

double clock_cost_after_stores(void) {
  uint64_t start = clock_after_stores();
  uint64_t last = start;
  for (int i = 0; i < STAMPS; i++) last = clock_after_stores();
  return (double)(last - start) / STAMPS / clock_ticks_per_second() * 1e9;
}
