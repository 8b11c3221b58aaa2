// CRC32C with the arm64 instructions (optional in ARMv8.0, mandatory since 8.1).
#if defined(__aarch64__)
#pragma clang attribute push(__attribute__((target("crc"))), apply_to = function)

#include "crc32c.h"

uint32_t fl_crc_arm(uint32_t state, const unsigned char *bytes, size_t count) {
  for (; count >= 8; count -= 8) {
    uint64_t value;
    __builtin_memcpy_inline(&value, bytes, 8);
    state = __builtin_arm_crc32cd(state, value);
    bytes += 8;
  }
  if (count & 4) {
    uint32_t value;
    __builtin_memcpy_inline(&value, bytes, 4);
    state = __builtin_arm_crc32cw(state, value);
    bytes += 4;
  }
  if (count & 2) {
    uint16_t value;
    __builtin_memcpy_inline(&value, bytes, 2);
    state = __builtin_arm_crc32ch(state, value);
    bytes += 2;
  }
  if (count & 1) state = __builtin_arm_crc32cb(state, *bytes);
  return state;
}

#pragma clang attribute pop
#endif
