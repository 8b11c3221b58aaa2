#include "support.h"

#include <stdarg.h>
#include <stdio.h>

const char *failure(const char *format, ...) {
  static _Thread_local char message[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return message;
}

void fill_random(unsigned char *bytes, size_t count, uint64_t seed) {
  for (size_t i = 0; i < count; i += 1) bytes[i] = (unsigned char)next_random(&seed);
}

unsigned char *line_aligned(size_t count) {
  unsigned char *bytes = aligned_alloc(FL_LINE_SIZE, (count + FL_LINE_SIZE) / FL_LINE_SIZE * 64);
  if (bytes == NULL) abort();
  return bytes;
}

void do_copy(const fl_core *core, cft_copy copy, unsigned char *destination,
             const unsigned char *source, size_t count) {
  switch (copy) {
    case CFT_COPY_FLUSHED:
      fl_copy_flushcache(core, destination, source, count);
      break;
    case CFT_COPY_CACHED:
      fl_copy_cached(core, destination, source, count);
      break;
    case CFT_COPY_GATHERED: {
      const size_t first = count / 3, second = count / 2 - count / 3;
      const fl_slice slices[] = {{source, first},
                                 {NULL, 0},
                                 {source + first, second},
                                 {source + first + second, count - first - second}};
      if (fl_copyv_flushcache(core, destination, slices, 4, 0, count) != count) abort();
      break;
    }
    case CFT_COPY_UNSAFE:
      if (fl_copy_unsafe_flushcache(core, destination, source, count) != 0) abort();
      break;
    case CFT_FILL:
      fl_fill_flushcache(core, destination, fill_byte, count);
      break;
  }
}
