/// What stands in every get and put and is too short for a call: checksums of integers, hashes of
/// short keys. Included by CFlush.h.
#ifndef CFLUSH_INLINE_H
#define CFLUSH_INLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Of an integer as it lies in memory: fl_crc32c(crc, &value, sizeof value). The instruction is spelled
// in assembly, which needs no target attribute, so that every caller can have it in line.
uint32_t fl_crc32c_called(uint32_t crc, uint64_t value, size_t count);
#if defined(__x86_64__)
/// Whether the checksum in use is the CPU's instruction. False before the first use.
extern bool fl_crc32c_is_instruction;
#define FL_CRC32C_INTEGER(type, instruction)                                 \
  static inline uint32_t fl_crc32c_##type(uint32_t crc, type##_t value) {    \
    if (__builtin_expect(!fl_crc32c_is_instruction, 0))                      \
      return fl_crc32c_called(crc, value, sizeof value);                     \
    uint64_t state = (uint32_t)~crc;                                         \
    __asm__(instruction : "+r"(state) : "r"(value));                         \
    return ~(uint32_t)state;                                                 \
  }
#else
#define FL_CRC32C_INTEGER(type, instruction)                                 \
  static inline uint32_t fl_crc32c_##type(uint32_t crc, type##_t value) {    \
    return fl_crc32c_called(crc, value, sizeof value);                       \
  }
#endif
FL_CRC32C_INTEGER(uint64, "crc32q %1, %q0")
FL_CRC32C_INTEGER(uint32, "crc32l %1, %k0")
FL_CRC32C_INTEGER(uint16, "crc32w %1, %k0")
#undef FL_CRC32C_INTEGER

/// What `fl_crc32c_framed` returns beside a checksum.
#define FL_FRAME_HOLDS 0x100000000ull

uint64_t fl_crc32c_framed_called(uint32_t seed, uint64_t place, uint64_t first, uint64_t second,
                                 const void *body, size_t count);
#if defined(__x86_64__)
enum {
  /// Most bytes that one chain of instructions is for: a table of functions and a longer prologue cost
  /// more than they save there. Three chains are faster from 128 bytes on.
  fl_crc32c_serial_most = 127
};

// Numbers where bytes of any kind stand, at any address: operands in memory, which take no register
// and no instruction of their own.
typedef uint64_t fl_bytes_8 __attribute__((aligned(1), may_alias));
typedef uint32_t fl_bytes_4 __attribute__((aligned(1), may_alias));
typedef uint16_t fl_bytes_2 __attribute__((aligned(1), may_alias));
typedef uint8_t fl_bytes_1 __attribute__((may_alias));

#define FL_CRC32C_ADD(instruction, state, value) \
  __asm__(instruction : "+r"(state) : "r"(value))
#define FL_CRC32C_ADD_NEXT(instruction, type)                       \
  do {                                                              \
    __asm__(instruction : "+r"(state) : "m"(*(const type *)at));    \
    at += sizeof(type);                                             \
  } while (0)

/// The register `state`, inverted outside, behind some bytes.
static inline __attribute__((always_inline)) uint64_t fl_crc32c_add_short(
    uint64_t state, const unsigned char *at, size_t count) {
  for (; count >= 32; count -= 32) {
    FL_CRC32C_ADD_NEXT("crc32q %1, %q0", fl_bytes_8);
    FL_CRC32C_ADD_NEXT("crc32q %1, %q0", fl_bytes_8);
    FL_CRC32C_ADD_NEXT("crc32q %1, %q0", fl_bytes_8);
    FL_CRC32C_ADD_NEXT("crc32q %1, %q0", fl_bytes_8);
  }
  if (count & 16) {
    FL_CRC32C_ADD_NEXT("crc32q %1, %q0", fl_bytes_8);
    FL_CRC32C_ADD_NEXT("crc32q %1, %q0", fl_bytes_8);
  }
  if (count & 8) FL_CRC32C_ADD_NEXT("crc32q %1, %q0", fl_bytes_8);
  if (count & 4) FL_CRC32C_ADD_NEXT("crc32l %1, %k0", fl_bytes_4);
  if (count & 2) FL_CRC32C_ADD_NEXT("crc32w %1, %k0", fl_bytes_2);
  if (count & 1) FL_CRC32C_ADD_NEXT("crc32b %1, %k0", fl_bytes_1);
  return state;
}
#undef FL_CRC32C_ADD_NEXT
#endif

/// Both checksums of what has a frame of 16 bytes, `first` and `second`, and a body elsewhere. They
/// start from `seed` and `place`. Bits 48 to 63 of `second` are the frame's own checksum, folded to 16
/// bits, over the bits before them.
///
/// Returns 0 where that one is wrong, without a look at the body; otherwise FL_FRAME_HOLDS and, in the
/// low 32 bits, the checksum over the body and then the frame.
static inline __attribute__((always_inline)) uint64_t fl_crc32c_framed(
    uint32_t seed, uint64_t place, uint64_t first, uint64_t second, const void *body,
    size_t count) {
#if defined(__x86_64__)
  if (__builtin_expect(count <= fl_crc32c_serial_most && fl_crc32c_is_instruction, 1)) {
    uint64_t state = (uint32_t)~seed;
    FL_CRC32C_ADD("crc32q %1, %q0", state, place);
    uint64_t frame = state;
    FL_CRC32C_ADD("crc32q %1, %q0", frame, first);
    FL_CRC32C_ADD("crc32l %1, %k0", frame, (uint32_t)second);
    FL_CRC32C_ADD("crc32w %1, %k0", frame, (uint16_t)(second >> 32));
    // Inverting both halves cancels out in their fold.
    if (__builtin_expect((uint16_t)(frame ^ frame >> 16) != second >> 48, 0)) return 0;
    state = fl_crc32c_add_short(state, (const unsigned char *)body, count);
    FL_CRC32C_ADD("crc32q %1, %q0", state, first);
    FL_CRC32C_ADD("crc32q %1, %q0", state, second);
    return FL_FRAME_HOLDS | (uint32_t)~state;
  }
#endif
  return fl_crc32c_framed_called(seed, place, first, second, body, count);
}
#undef FL_CRC32C_ADD

// The hash, as hash.c explains it.

#define FL_HASH_ROOT_2 UINT64_C(0x6a09e667f3bcc909)
#define FL_HASH_ROOT_3 UINT64_C(0xbb67ae8584caa73b)
#define FL_HASH_ROOT_5 UINT64_C(0x3c6ef372fe94f82b)
#define FL_HASH_ROOT_7 UINT64_C(0xa54ff53a5f1d36f1)

static inline uint64_t fl_hash_fold(uint64_t a, uint64_t b) {
  const unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64) ^ b;
}

static inline uint64_t fl_hash_load(const unsigned char *bytes) {
  uint64_t value;
  __builtin_memcpy(&value, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

/// The last step, over the first and last bytes of what is left.
static inline uint64_t fl_hash_end(uint64_t state, uint64_t first, uint64_t last, size_t count) {
  state = fl_hash_fold(first ^ FL_HASH_ROOT_3, last ^ state);
  return fl_hash_fold(state ^ FL_HASH_ROOT_5, (uint64_t)count ^ FL_HASH_ROOT_7);
}

/// `fl_hash64`, in line for 8 to 16 bytes.
static inline uint64_t fl_hash64_key(const void *bytes, size_t count, uint64_t seed) {
  if (__builtin_expect(count - 8 > 8, 0)) return fl_hash64(bytes, count, seed);
  const unsigned char *const start = (const unsigned char *)bytes;
  return fl_hash_end(seed ^ FL_HASH_ROOT_2, fl_hash_load(start), fl_hash_load(start + count - 8),
                     count);
}

#endif
