// CRC32C with the SSE4.2 instruction alone, and the constants of the folding implementations.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("sse4.2,pclmul"))), apply_to = function)
#include "crc32c_x86.h"

fl_crc_constants fl_crc_k;

void fl_crc_prepare_x86(void) {
  uint32_t power = fl_crc_shift(1u << 31, 64 - 33);
  for (size_t i = 1; i <= 2 * fl_lane_words; i += 1) {
    fl_crc_k.shift[i] = power;
    power = fl_crc_shift(power, 64);
  }
  power = fl_crc_shift(1u << 31, 128 - 1);
  for (size_t i = 1; i <= fl_fold_units; i += 1) {
    fl_crc_k.fold[i][1] = (uint64_t)power << 32;
    power = fl_crc_shift(power, 64);
    fl_crc_k.fold[i][0] = (uint64_t)power << 32;
    power = fl_crc_shift(power, 64);
  }
}

uint32_t fl_crc_sse42(uint32_t state, const unsigned char *bytes, size_t count) {
  return fl_crc_serial(state, bytes, count);
}

#pragma clang attribute pop
#endif
