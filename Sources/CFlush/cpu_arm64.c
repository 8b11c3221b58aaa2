// The kernel's capability words: user space may not read the feature registers everywhere.
#if defined(__aarch64__)
#include "cpu.h"

#if defined(__linux__)
extern unsigned long getauxval(unsigned long type);
enum { auxv_hwcap = 16, hwcap_crc32 = 1 << 7, hwcap_dcpop = 1 << 16 };

void fl_cpu_detect(fl_cpu *cpu) {
  const unsigned long capabilities = getauxval(auxv_hwcap);
  cpu->arm_crc = (capabilities & hwcap_crc32) != 0;
  cpu->cvap = (capabilities & hwcap_dcpop) != 0;
  cpu->cvac = true;  // Linux lets every program execute it
}
#else
void fl_cpu_detect(fl_cpu *cpu) { (void)cpu; }
#endif
#endif
