// The public copies: contiguous, gathered, bounded by a page, filled; and flush and fence.
//
// Whatever the caller's pieces are, a destination line is stored and flushed once: pieces that meet
// inside a line are put together in a staging buffer first, and everything that reaches the
// template from here starts and ends on line boundaries, but for the two ends of the whole copy.
#include <string.h>

#include "core.h"

enum { stage_size = 1024, page_size = 4096 };

void fl_copy_flushcache(const fl_core *core, void *destination, const void *source, size_t count) {
  if (count == 0) return;
  core->copy(core, destination, source, count);
}

void fl_copy_cached(const fl_core *core, void *destination, const void *source, size_t count) {
  if (count == 0) return;
  core->cached(core, destination, source, count);
}

void fl_flush(const fl_core *core, const void *start, size_t count) {
  core->flush(core, start, count);
}

void fl_fence(const fl_core *core) {
  if (!FL_MUTANT(fenceDoesNothing)) core->fence(core);
}

size_t fl_copy_page_flushcache(const fl_core *core, void *destination, const void *page,
                               size_t offset, size_t count) {
  if (offset >= page_size) return 0;
  if (count > page_size - offset) count = page_size - offset;
  fl_copy_flushcache(core, destination, (const unsigned char *)page + offset, count);
  return count;
}

void fl_fill_flushcache(const fl_core *core, void *destination, uint8_t byte, size_t count) {
  // The pattern stays in the first-level cache, so storing it costs what storing alone costs.
  unsigned char pattern[stage_size];
  memset(pattern, byte, count < sizeof pattern ? count : sizeof pattern);
  unsigned char *d = destination;
  while (count > 0) {
    size_t piece = sizeof pattern - (uintptr_t)d % FL_LINE_SIZE;
    if (piece > count) piece = count;
    core->copy(core, d, pattern, piece);
    d += piece;
    count -= piece;
  }
}

/// A place in a list of slices.
typedef struct cursor {
  const fl_slice *slice, *end;
  size_t offset;  // within *slice
} cursor;

/// Bytes left in the slice under the cursor, after stepping over those that are used up.
static size_t run_length(cursor *at) {
  while (at->slice != at->end && at->offset == at->slice->length) {
    at->slice += 1;
    at->offset = 0;
  }
  return at->slice == at->end ? 0 : at->slice->length - at->offset;
}

static const unsigned char *run_start(const cursor *at) {
  return (const unsigned char *)at->slice->base + at->offset;
}

size_t fl_copyv_flushcache(const fl_core *core, void *destination, const fl_slice *slices,
                           size_t slice_count, size_t offset, size_t count) {
  cursor at = {slices, slice_count == 0 ? slices : slices + slice_count, 0};
  while (offset > 0) {
    const size_t run = run_length(&at);
    if (run == 0) return 0;
    const size_t skipped = offset < run ? offset : run;
    at.offset += skipped;
    offset -= skipped;
  }
  unsigned char *d = destination;
  size_t left = count;
  // Within one page: 100 pieces of 116 bytes took twice as long where it stood in two (Zen 4).
  _Alignas(stage_size) unsigned char stage[stage_size];
  fl_copy_function *const copy = count <= fl_cached_most(core) ? core->gather : core->stretch;
  while (left > 0) {
    size_t run = run_length(&at);
    if (run == 0) break;
    if (run > left) run = left;
    if (run == left || (run >= stage_size && fl_bytes_to_line(d) == 0)) {
      // The last piece, or one long enough to be worth a copy of its own: up to a line's end.
      const size_t whole = run == left ? run : run - run % FL_LINE_SIZE;
      copy(core, d, run_start(&at), whole);
      at.offset += whole;
      d += whole;
      left -= whole;
      continue;
    }
    // The stage has the destination's alignment; it is filled to a line's end, unless the slices
    // end before, and no further than where a long slice can go on by itself.
    const size_t skew = (uintptr_t)d % FL_LINE_SIZE;
    size_t filled = skew;
    while (filled < stage_size && left > filled - skew && (run = run_length(&at)) > 0) {
      size_t room = stage_size - filled;
      if (run >= 2 * stage_size) room = room % FL_LINE_SIZE;
      if (room == 0) break;
      if (run > left - (filled - skew)) run = left - (filled - skew);
      if (run > room) run = room;
      fl_stage(stage + filled, run_start(&at), run);
      at.offset += run;
      filled += run;
    }
    copy(core, d, stage + skew, filled - skew);
    d += filled - skew;
    left -= filled - skew;
  }
  return count - left;
}
