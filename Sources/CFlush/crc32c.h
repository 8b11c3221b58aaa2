// The CRC32C implementations behind `fl_crc32c`, and the arithmetic that they share.
//
// All work on the raw register (inverted outside) in the reflected representation: bit 31 of a
// 32-bit value is the coefficient of x^0, bit 0 that of x^31.
#ifndef CFLUSH_CRC32C_H
#define CFLUSH_CRC32C_H

#include "CFlush.h"

typedef uint32_t fl_crc_function(uint32_t state, const unsigned char *bytes, size_t count);

fl_crc_function fl_crc_software;
#if defined(__x86_64__)
fl_crc_function fl_crc_sse42;
fl_crc_function fl_crc_clmul;
fl_crc_function fl_crc_vpclmul;
fl_crc_function fl_crc_vpclmul512;
#elif defined(__aarch64__)
fl_crc_function fl_crc_arm;
#endif

typedef uint32_t fl_append_function(const fl_core *core, unsigned char *destination,
                                    const fl_append_parts *parts, size_t total, uint32_t seed,
                                    fl_append_mode mode);

fl_append_function fl_append_calling;  // for every implementation
#if defined(__x86_64__)
fl_append_function fl_append_sse42, fl_append_avx2;
#endif

/// An implementation, and the append of short records that goes with it.
typedef struct fl_crc {
  const char *name;
  fl_crc_function *add;
  fl_append_function *append_small;
} fl_crc;

/// Whether this CPU has the instructions of the implementation of that name.
bool fl_crc_offered(const char *name);

/// The implementation of that name, the best for NULL; NULL where this CPU has none such, or where
/// its answers are wrong.
const fl_crc *fl_crc_named(const char *name);

/// The implementation in use.
const fl_crc *fl_crc_chosen(void);

/// `value` times x^n, modulo the Castagnoli polynomial. 1 << 31 is x^0. Complexity: O(n).
uint32_t fl_crc_shift(uint32_t value, unsigned n);

/// Fills in the constants that an implementation needs. Called before its first use, once.
void fl_crc_prepare_x86(void);

#endif
