/* size_floor.c - see size_floor.h. */
#include "size_floor.h"

#if defined(__x86_64__)

#include "bare.h"

#include <cpuid.h>
#include <immintrin.h>

/* Lines that are stored before they are written back, and how far ahead a source is fetched. */
enum { BLOCK = 16, AHEAD = 2048 };

static enum { CLFLUSH, CLFLUSHOPT, CLWB } write_back_kind;

static inline void write_back(uint8_t *start, size_t lines) {
  volatile uint8_t *line = start - (uintptr_t)start % LINE;
  switch (write_back_kind) {
  case CLWB:
    for (; lines > 0; lines--, line += LINE) __asm__ volatile("clwb %0" : "+m"(*line));
    break;
  case CLFLUSHOPT:
    for (; lines > 0; lines--, line += LINE) __asm__ volatile("clflushopt %0" : "+m"(*line));
    break;
  case CLFLUSH:
    for (; lines > 0; lines--, line += LINE) __asm__ volatile("clflush %0" : "+m"(*line));
    break;
  }
}

/* A part of a line, whole lines, a part of a line. */
struct pieces {
  size_t head, lines, tail;
};

static inline struct pieces pieces_of(const uint8_t *to, size_t n) {
  size_t head = -(uintptr_t)to % LINE;
  if (head > n) head = n;
  return (struct pieces){head, (n - head) / LINE, (n - head) % LINE};
}

/* Less than a line, through the cache; the last store may overlap the one before it. */
static inline void store_part(uint8_t *to, const uint8_t *from, size_t n) {
  if (n >= 16) {
    for (size_t i = 0; i + 16 < n; i += 16)
      _mm_storeu_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(from + i)));
    _mm_storeu_si128((__m128i *)(to + n - 16),
                     _mm_loadu_si128((const __m128i *)(from + n - 16)));
  } else if (n >= 8) {
    memcpy(to, from, 8);
    memcpy(to + n - 8, from + n - 8, 8);
  } else if (n >= 4) {
    memcpy(to, from, 4);
  }
}

/* Less than a line, past the caches. */
static inline void stream_part(uint8_t *to, const uint8_t *from, size_t n) {
  size_t at = 0;
  for (; at + 8 <= n; at += 8) {
    long long word;
    memcpy(&word, from + at, sizeof word);
    _mm_stream_si64((long long *)(to + at), word);
  }
  if (at < n) {
    int word;
    memcpy(&word, from + at, sizeof word);
    _mm_stream_si32((int *)(to + at), word);
  }
}

#define IDIOM(name) name##_16
#define IDIOM_TARGET
#define stream_line stream_line_16
#define store_line store_line_16

static inline void stream_line(uint8_t *to, const uint8_t *from) {
  for (int i = 0; i < LINE; i += 16)
    _mm_stream_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(from + i)));
}

static inline void store_line(uint8_t *to, const uint8_t *from) {
  for (int i = 0; i < LINE; i += 16)
    _mm_store_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(from + i)));
}

#include "size_idioms.h"

#undef IDIOM
#undef IDIOM_TARGET
#undef stream_line
#undef store_line

#define IDIOM(name) name##_64
#define IDIOM_TARGET __attribute__((target("avx512f")))
#define stream_line stream_line_64
#define store_line store_line_64

IDIOM_TARGET static inline void stream_line(uint8_t *to, const uint8_t *from) {
  _mm512_stream_si512((__m512i *)to, _mm512_loadu_si512(from));
}

IDIOM_TARGET static inline void store_line(uint8_t *to, const uint8_t *from) {
  _mm512_store_si512(to, _mm512_loadu_si512(from));
}

#include "size_idioms.h"

#define IDIOMS(width)                                     \
  {                                                       \
    {"cached", cached_##width, true, false},              \
    {"ends first", ends_first_##width, false, false},     \
    {"fetched ahead", ahead_##width, false, false},       \
    {"words", words_##width, false, true},                \
  }

size_t size_idioms(const struct size_idiom **list) {
  static const struct size_idiom narrow[] = IDIOMS(16), wide[] = IDIOMS(64);
  unsigned a, b = 0, c, d;
  __get_cpuid_count(7, 0, &a, &b, &c, &d);
  write_back_kind = b & bit_CLWB ? CLWB : b & bit_CLFLUSHOPT ? CLFLUSHOPT : CLFLUSH;
  *list = __builtin_cpu_supports("avx512f") ? wide : narrow;
  return sizeof narrow / sizeof *narrow;
}

#else

size_t size_idioms(const struct size_idiom **list) {
  *list = NULL;
  return 0;
}

#endif
