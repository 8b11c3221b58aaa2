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

struct output_result output_together(const struct output_result *results, size_t count,
                                     uint32_t *samples) {
  struct output_result all = {.samples = samples};
  for (size_t i = 0; i < count; i++) {
    memmove(samples + all.sample_count, results[i].samples,
            results[i].sample_count * sizeof *samples);
    all.sample_count += results[i].sample_count;
    all.operations += results[i].operations;
    if (results[i].wall_nanoseconds > all.wall_nanoseconds)
      all.wall_nanoseconds = results[i].wall_nanoseconds;
  }
  all.plain_operations = all.operations;
  all.plain_nanoseconds = all.wall_nanoseconds;
  return all;
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

void output_number(const char *name, double value) { printf("number\t%s\t%.6g\n", name, value); }

void output_copy(size_t length, size_t offset, const char *way, double nanoseconds) {
  printf("copy\t%zu\t%zu\t%s\t%.2f\n", length, offset, way, nanoseconds);
}

void output_result(const char *workload, const struct output_result *result) {
  const uint64_t numbers[] = {
      result->operations,        result->wall_nanoseconds,  result->plain_operations,
      result->plain_nanoseconds, result->final_nanoseconds, samples_written,
      result->sample_count,
  };
  printf("result\t%s", workload);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    printf("\t%llu", (unsigned long long)numbers[i]);
  putchar('\n');
  if (fwrite(result->samples, sizeof *result->samples, result->sample_count, sample_file) !=
      result->sample_count)
    fail("samples: %s", strerror(errno));
  samples_written += result->sample_count;
}

void output_close(void) {
  if (fclose(sample_file) != 0) fail("samples: %s", strerror(errno));
  if (fflush(stdout) != 0) fail("standard output: %s", strerror(errno));
}
