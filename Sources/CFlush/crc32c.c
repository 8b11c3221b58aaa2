// CRC32C: choosing the implementation, and the one in plain C (slicing by 8), for CPUs without an
// instruction for it. An implementation is used only after it gave the right answers here: a CRC
// that one CPU computes differently would damage no data, and would condemn all of it.
#include "crc32c.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"

static const uint32_t polynomial = 0x82f63b78;  // x^32 + x^28 + ... + 1, reflected, without x^32

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t slices[8][256];  // slices[k][b]: the register after byte b and k zero bytes
static const fl_crc *chosen;
static fl_crc_function add_first;
/// What `chosen` adds with, behind one load.
static fl_crc_function *add = add_first;
#if defined(__x86_64__)
bool fl_crc32c_is_instruction;
#endif

static uint32_t shift_one(uint32_t value) { return value >> 1 ^ (value & 1 ? polynomial : 0); }

uint32_t fl_crc_shift(uint32_t value, unsigned n) {
  for (; n > 0; n -= 1) value = shift_one(value);
  return value;
}

static void prepare_slices(void) {
  for (uint32_t byte = 0; byte < 256; byte += 1) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit += 1) value = shift_one(value);
    slices[0][byte] = value;
  }
  for (int k = 1; k < 8; k += 1) {
    for (int byte = 0; byte < 256; byte += 1) {
      const uint32_t before = slices[k - 1][byte];
      slices[k][byte] = before >> 8 ^ slices[0][before & 0xff];
    }
  }
}

/// Byte by byte, so that the answer is the same on a big-endian CPU.
static uint32_t load_32(const unsigned char *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
         (uint32_t)bytes[3] << 24;
}

uint32_t fl_crc_software(uint32_t state, const unsigned char *bytes, size_t count) {
  for (; count >= 8; count -= 8) {
    const uint32_t low = load_32(bytes) ^ state;
    const uint32_t high = load_32(bytes + 4);
    // The second half does not wait for the register.
    const uint32_t ahead = slices[3][high & 0xff] ^ slices[2][high >> 8 & 0xff] ^
                           slices[1][high >> 16 & 0xff] ^ slices[0][high >> 24];
    state = (slices[7][low & 0xff] ^ slices[6][low >> 8 & 0xff]) ^
            (slices[5][low >> 16 & 0xff] ^ slices[4][low >> 24]) ^ ahead;
    bytes += 8;
  }
  for (; count > 0; count -= 1) {
    state = state >> 8 ^ slices[0][(state ^ *bytes) & 0xff];
    bytes += 1;
  }
  return state;
}

/// Compares with the plain one, at lengths that reach every path.
static bool answers_rightly(fl_crc_function *function) {
  unsigned char bytes[2048];
  uint32_t word = 1;
  for (size_t i = 0; i < sizeof bytes; i += 1) {
    word = shift_one(word);
    bytes[i] = (unsigned char)word;
  }
  for (size_t count = 1; count <= sizeof bytes; count += count / 5 + 1) {
    const unsigned char *start = bytes + sizeof bytes - count;
    if (function(word, start, count) != fl_crc_software(word, start, count)) return false;
  }
  return true;
}

bool fl_crc_offered(const char *name) {
  const fl_cpu *cpu = fl_cpu_features();
  if (strcmp(name, "vpclmul512") == 0) return cpu->vpclmul512;
  if (strcmp(name, "vpclmul") == 0) return cpu->vpclmul;
  if (strcmp(name, "clmul") == 0) return cpu->pclmul;
  if (strcmp(name, "sse42") == 0) return cpu->sse42;
  if (strcmp(name, "arm") == 0) return cpu->arm_crc;
  return strcmp(name, "software") == 0;
}

static const fl_crc implementations[] = {
#if defined(__x86_64__)
    {"vpclmul512", fl_crc_vpclmul512, fl_append_avx2},
    {"vpclmul", fl_crc_vpclmul, fl_append_avx2},
    {"clmul", fl_crc_clmul, fl_append_sse42},
    {"sse42", fl_crc_sse42, fl_append_sse42},
#elif defined(__aarch64__)
    {"arm", fl_crc_arm, fl_append_calling},
#endif
    {"software", fl_crc_software, fl_append_calling},
};

static const fl_crc *find(const char *name) {
  for (size_t i = 0; i < sizeof implementations / sizeof *implementations; i += 1) {
    const fl_crc *candidate = &implementations[i];
    if (name != NULL && strcmp(name, candidate->name) != 0) continue;
    if (fl_crc_offered(candidate->name) && answers_rightly(candidate->add)) return candidate;
  }
  return NULL;
}

static void initialise(void) {
  prepare_slices();
#if defined(__x86_64__)
  if (fl_cpu_features()->pclmul) fl_crc_prepare_x86();
#endif
  const char *forced = getenv("FENCELINE_CRC");
  const fl_crc *found = forced != NULL ? find(forced) : NULL;
  if (found == NULL) found = find(NULL);
  __atomic_store_n(&chosen, found, __ATOMIC_RELEASE);
  __atomic_store_n(&add, found->add, __ATOMIC_RELEASE);
#if defined(__x86_64__)
  __atomic_store_n(&fl_crc32c_is_instruction, found->add != fl_crc_software, __ATOMIC_RELAXED);
#endif
}

const fl_crc *fl_crc_named(const char *name) {
  pthread_once(&once, initialise);
  return find(name);
}

const fl_crc *fl_crc_chosen(void) {
  const fl_crc *found = __atomic_load_n(&chosen, __ATOMIC_ACQUIRE);
  if (__builtin_expect(found == NULL, 0)) {
    pthread_once(&once, initialise);
    found = chosen;
  }
  return found;
}

const char *fl_crc32c_name(void) { return fl_crc_chosen()->name; }

static uint32_t add_first(uint32_t state, const unsigned char *bytes, size_t count) {
  return fl_crc_chosen()->add(state, bytes, count);
}

#if defined(__x86_64__)

uint32_t fl_crc32c(uint32_t crc, const void *bytes, size_t count) {
  if (count <= fl_crc32c_serial_most && __builtin_expect(fl_crc32c_is_instruction, 1))
    return ~(uint32_t)fl_crc32c_add_short(~crc, bytes, count);
  return ~__atomic_load_n(&add, __ATOMIC_ACQUIRE)(~crc, bytes, count);
}

#else

uint32_t fl_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return ~__atomic_load_n(&add, __ATOMIC_ACQUIRE)(~crc, bytes, count);
}

#endif

uint32_t fl_crc32c_called(uint32_t crc, uint64_t value, size_t count) {
  return fl_crc32c(crc, &value, count);
}

uint64_t fl_crc32c_framed_called(uint32_t seed, uint64_t place, uint64_t first, uint64_t second,
                                 const void *body, size_t count) {
  const uint32_t start = fl_crc32c_uint64(seed, place);
  uint32_t frame = fl_crc32c_uint64(start, first);
  frame = fl_crc32c_uint32(frame, (uint32_t)second);
  frame = fl_crc32c_uint16(frame, (uint16_t)(second >> 32));
  if ((uint16_t)(frame ^ frame >> 16) != second >> 48) return 0;
  const uint32_t crc = fl_crc32c_uint64(fl_crc32c(start, body, count), first);
  return FL_FRAME_HOLDS | fl_crc32c_uint64(crc, second);
}

#define FL_APPEND_SMALL fl_append_calling
#define FL_APPEND_CRC(state, p, n) fl_crc_chosen()->add((state), (p), (n))
#include "append.h"
