// Appending a short record where the CPU has the checksum instruction: the checksum of parts up to
// 127 bytes is computed in line. Calls for three short parts cost more than their checksums.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("sse4.2,pclmul"))), apply_to = function)
#include "crc32c_x86.h"

static inline uint32_t checksum_part(uint32_t state, const unsigned char *bytes, size_t count) {
  return count <= fl_serial_most ? fl_crc_serial(state, bytes, count)
                                 : fl_crc_chosen()->add(state, bytes, count);
}

#define FL_APPEND_SMALL fl_append_sse42
#define FL_APPEND_CRC(state, p, n) checksum_part((state), (p), (n))
#include "append.h"

#pragma clang attribute pop
#endif
