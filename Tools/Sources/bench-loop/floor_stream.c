/* floor_stream.c - how fast threads stream to and from a mapped file: no copies are faster. */
#include "bare.h"
#include "clock.h"
#include "floor.h"
#include "output.h"

enum { STREAM_LENGTH = 256 << 20, PASSES = 5 };

#if defined(__x86_64__)

#include <immintrin.h>

static void write_all(uint8_t *memory, size_t length) {
  const __m128i bytes = _mm_set1_epi8(0x5b);
  for (size_t at = 0; at < length; at += LINE) {
    for (int i = 0; i < LINE; i += 16) _mm_stream_si128((__m128i *)(memory + at + i), bytes);
  }
  _mm_sfence();
}

static void read_all(uint8_t *memory, size_t length) {
  __m128i sums[LINE / 16];
  for (int i = 0; i < LINE / 16; i++) sums[i] = _mm_setzero_si128();
  for (size_t at = 0; at < length; at += LINE) {
    for (int i = 0; i < LINE / 16; i++)
      sums[i] = _mm_xor_si128(sums[i], _mm_load_si128((const __m128i *)(memory + at + i * 16)));
  }
  /* All lines are alike and even in number: nothing else makes the compiler keep the loads. */
  for (int i = 0; i < LINE / 16; i++) {
    if (_mm_cvtsi128_si64(sums[i]) != 0) fail("floor: streamed lines differ");
  }
}

/* One thread's part of a pass. */
struct stream {
  void (*pass)(uint8_t *memory, size_t length);
  uint8_t *memory;
  size_t length;
  uint64_t nanoseconds;
};

static void time_pass(void *opaque) {
  struct stream *stream = opaque;
  const uint64_t start = clock_nanoseconds();
  stream->pass(stream->memory, stream->length);
  clock_after_stores();
  stream->nanoseconds = clock_nanoseconds() - start;
}

/* The best pass: whatever disturbs a pass makes it slower. */
static double bandwidth(const struct plan *plan, uint8_t *memory,
                        void (*pass)(uint8_t *memory, size_t length)) {
  struct stream streams[MOST_THREADS];
  const size_t length = STREAM_LENGTH / plan->threads / (2 * LINE) * (2 * LINE);
  uint64_t best = UINT64_MAX;
  for (int i = 0; i < PASSES; i++) {
    for (unsigned j = 0; j < plan->threads; j++)
      streams[j] = (struct stream){.pass = pass, .memory = memory + j * length, .length = length};
    bare_together(plan, time_pass, streams, sizeof *streams);
    uint64_t longest = 0;
    for (unsigned j = 0; j < plan->threads; j++) {
      if (streams[j].nanoseconds > longest) longest = streams[j].nanoseconds;
    }
    if (longest < best) best = longest;
  }
  return (double)(plan->threads * length) / (double)best;
}

void floor_streams(const struct plan *plan) {
  uint8_t *memory = bare_map(plan, STREAM_LENGTH);
  output_number("stream-write", bandwidth(plan, memory, write_all));
  output_number("stream-read", bandwidth(plan, memory, read_all));
  bare_unmap(memory, STREAM_LENGTH);
}

#else

void floor_streams(const struct plan *plan) { (void)plan; }

#endif
