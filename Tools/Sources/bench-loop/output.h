/*
 * output.h - what the driver tells its caller: lines of fields separated by tabs on the standard
 * output, and raw samples in a file.
 *
 *   fact    NAME  TEXT
 *   number  NAME  VALUE
 *   copy    BYTES  OFFSET  WAY  NANOSECONDS
 *   result  WORKLOAD  OPERATIONS  WALL  PLAIN_OPERATIONS  PLAIN  FINAL  FIRST_SAMPLE  SAMPLES
 *
 * Times are nanoseconds. WALL is that of the whole loop. PLAIN is the time of PLAIN_OPERATIONS in
 * blocks without stamps (loop.h), FINAL that of the sync that ends a buffered workload. Samples are
 * unsigned 32-bit counts of ticks in this machine's byte order; FIRST_SAMPLE counts from the file's
 * start. The fact `ticks-per-second` gives the unit. A copy's OFFSET is where in its line it begins,
 * its time a median (sizes.h says what the ways are).
 */
#ifndef BENCH_OUTPUT_H
#define BENCH_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

struct output_result {
  uint64_t operations;
  uint64_t wall_nanoseconds;
  uint64_t plain_operations;
  uint64_t plain_nanoseconds;
  uint64_t final_nanoseconds;
  const uint32_t *samples;
  size_t sample_count;
};

/* What several threads did at the same time, as one result. Operations and samples are everybody's.
 * Times are those of the thread that took longest: where one waits for the other, adding up their
 * speeds would count that time for neither. Moves the samples to `samples`, where those of the first
 * thread begin. */
struct output_result output_together(const struct output_result *results, size_t count,
                                     uint32_t *samples);

void output_open(const char *samples_path);
void output_fact(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
void output_number(const char *name, double value);
void output_copy(size_t length, size_t offset, const char *way, double nanoseconds);
void output_result(const char *workload, const struct output_result *result);
void output_close(void);

/* Prints a line on the standard error and ends the process with status 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
