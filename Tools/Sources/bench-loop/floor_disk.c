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

static struct output_result loop_over_appends(const struct loop *loop, void *appends) {
  return run_loop(loop, append_step, appends);
}

/* A file whose first `size` bytes are written and durable. */
static int written_file(const struct plan *plan, size_t size, size_t piece) {
  const int file = bare_file(plan, size);
  const void *random = data_allocate(piece);
  for (size_t at = 0; at < size; at += piece) {
    if (pwrite(file, random, piece, (off_t)at) != (ssize_t)piece) fail("%s", strerror(errno));
  }
  if (fsync(file) != 0) fail("fsync: %s", strerror(errno));
  return file;
}

/* Blocks are allocated and written beforehand: the file system has no metadata to commit. Each thread
 * has a file of its own. */
void floor_disk(const struct plan *plan, const struct data *data, uint32_t *samples,
                uint64_t count) {
  const size_t length = KEY_LENGTH + plan->setup.value_length;
  const size_t piece = 1 << 20, part = count / plan->threads * length;
  const size_t size = (part + piece - 1) / piece * piece;
  struct appends appends[MOST_THREADS];
  for (unsigned i = 0; i < plan->threads; i++)
    appends[i] = (struct appends){written_file(plan, size, piece), length, data};
  const struct loop loop = {.samples = samples,
                            .count = count,
                            .time_limit = (uint64_t)(plan->seconds * clock_ticks_per_second()),
                            .stores = true};
  const struct output_result result =
      bare_run(plan, loop_over_appends, loop, appends, sizeof *appends);
  output_result("append-fdatasync", &result);
  for (unsigned i = 0; i < plan->threads; i++) close(appends[i].file);
}
