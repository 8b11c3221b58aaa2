/*
 * floor_disk.c - a durable write can't be cheaper than writing the same bytes into a file whose
 * blocks are there already, and one fdatasync.
 */
#include "bare.h"
#include "floor.h"
#include "output.h"

#include <errno.h>
#include <unistd.h>

struct appends {
  int file;
  size_t length;
  const struct data *data;
};

static void append_step(void *context, uint64_t index) {
  const struct appends *to = context;
  const off_t offset = (off_t)(index * to->length);
  if (pwrite(to->file, bare_source(to->data, index), to->length, offset) != (ssize_t)to->length ||
      fdatasync(to->file) != 0)
    fail("floor: %s", strerror(errno));
}

/* Blocks are allocated and written beforehand: the file system has no metadata to commit. */
void floor_disk(const struct plan *plan, const struct data *data, uint32_t *samples,
                uint64_t count) {
  const size_t length = KEY_LENGTH + plan->setup.value_length;
  const size_t piece = 1 << 20, size = (count * length + piece - 1) / piece * piece;
  int file = bare_file(plan, size);
  const void *random = data_allocate(piece);
  for (size_t at = 0; at < size; at += piece) {
    if (pwrite(file, random, piece, (off_t)at) != (ssize_t)piece) fail("%s", strerror(errno));
  }
  if (fsync(file) != 0) fail("fsync: %s", strerror(errno));

  struct appends appends = {file, length, data};
  const struct loop loop = {.samples = samples,
                            .count = count,
                            .time_limit = (uint64_t)(plan->seconds * clock_ticks_per_second()),
                            .stores = true};
  const struct output_result result = run_loop(&loop, append_step, &appends);
  output_result("append-fdatasync", &result);
  close(file);
}
