/* output.c - see output.h. */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *sample_file;
static uint64_t samples_written;

_Noreturn void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("bench-loop: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

void output_open(const char *samples_path) {
  sample_file = fopen(samples_path, "wb");
  if (sample_file == NULL) fail("%s: %s", samples_path, strerror(errno));
}

void output_fact(const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("fact\t%s\t", name);
  vprintf(format, arguments);
  putchar('\n');
  va_end(arguments);
}

void output_result(const char *workload, uint64_t operations, uint64_t nanoseconds,
                   const uint32_t *samples, size_t sample_count) {
  printf("result\t%s\t%llu\t%llu\t%llu\t%zu\n", workload, (unsigned long long)operations,
         (unsigned long long)nanoseconds, (unsigned long long)samples_written, sample_count);
  if (fwrite(samples, sizeof *samples, sample_count, sample_file) != sample_count)
    fail("samples: %s", strerror(errno));
  samples_written += sample_count;
}

void output_close(void) {
  if (fclose(sample_file) != 0) fail("samples: %s", strerror(errno));
  if (fflush(stdout) != 0) fail("standard output: %s", strerror(errno));
}
