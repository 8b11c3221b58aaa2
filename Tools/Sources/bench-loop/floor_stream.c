/* floor_stream.c - how fast one thread streams to and from a mapped file: no copy is faster. */
#include "bare.h"
#include "clock.h"
#include "floor.h"
#include "output.h"

enum { STREAM_LENGTH = 256 << 20, PASSES = 5 };

#if defined(__x86_64__)

#include <immintrin.h>

static void write_all(uint8_t *memory) {
  const __m128i bytes = _mm_set1_epi8(0x5b);
  for (size_t at = 0; at < STREAM_LENGTH; at += LINE) {
    for (int i = 0; i < LINE; i += 16) _mm_stream_si128((__m128i *)(memory + at + i), bytes);
  }
  _mm_sfence();
}

static void read_all(uint8_t *memory) {
  __m128i sums[LINE / 16];
  for (int i = 0; i < LINE / 16; i++) sums[i] = _mm_setzero_si128();
  for (size_t at = 0; at < STREAM_LENGTH; at += LINE) {
    for (int i = 0; i < LINE / 16; i++)
      sums[i] = _mm_xor_si128(sums[i], _mm_load_si128((const __m128i *)(memory + at + i * 16)));
  }
  /* All lines are alike and even in number: nothing else makes the compiler keep the loads. */
  for (int i = 0; i < LINE / 16; i++) {
    if (_mm_cvtsi128_si64(sums[i]) != 0) fail("floor: streamed lines differ");
  }
}

/* The best pass: whatever disturbs a pass makes it slower. */
static double bandwidth(uint8_t *memory, void (*pass)(uint8_t *memory)) {
  uint64_t best = UINT64_MAX;
  for (int i = 0; i < PASSES; i++) {
    const uint64_t start = clock_nanoseconds();
    pass(memory);
    clock_after_stores();
    const uint64_t time = clock_nanoseconds() - start;
    if (time < best) best = time;
  }
  return (double)STREAM_LENGTH / (double)best;
}

void floor_streams(const struct plan *plan) {
  uint8_t *memory = bare_map(plan, STREAM_LENGTH);
  output_number("stream-write", bandwidth(memory, write_all));
  output_number("stream-read", bandwidth(memory, read_all));
  bare_unmap(memory, STREAM_LENGTH);
}

#else

void floor_streams(const struct plan *plan) { (void)plan; }

#endif
