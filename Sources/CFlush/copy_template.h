// The copy loops, written once. An instruction set's file includes this after defining
//
//   FL_SET_STREAMS                 1 if fl_stream_line bypasses the cache, else 0
//   fl_stream_line(core, d, s)     stores one whole line, non-temporally if it can
//   fl_store_line(core, d, s)      stores one whole line through the cache
//   FL_STORED(core, d, n)          after each store smaller than a line
//   FL_FLUSH_LINES(core, line, n)  starts the write-back of n lines
//
// and gets static functions copy_flushed, copy_cached and flush_range.
//
// Invariants: a line that is covered in part is stored through the cache and always flushed; a
// whole line is stored by one kind of store only; every line is flushed at most once, after its
// last store; no store crosses a line; stores leave in ascending order.

/// Between stores, so that the compiler neither merges nor reorders what the trace reports.
#define FL_STORE_PIECE(core, d, s, n)         \
  do {                                        \
    __builtin_memcpy_inline((d), (s), (n));   \
    FL_STORED((core), (d), (n));              \
    __asm__ volatile("" : : : "memory");      \
  } while (0)

/// Less than a line, within one line. The last piece may overlap the one before it: the same bytes
/// are stored twice, which nobody can see.
static inline void store_part(const fl_core *core, unsigned char *d, const unsigned char *s,
                              size_t n) {
  (void)core;
  if (n >= 16) {
    for (size_t i = 0; i + 16 < n; i += 16) FL_STORE_PIECE(core, d + i, s + i, 16);
    FL_STORE_PIECE(core, d + n - 16, s + n - 16, 16);
  } else if (n >= 8) {
    FL_STORE_PIECE(core, d, s, 8);
    if (n > 8) FL_STORE_PIECE(core, d + n - 8, s + n - 8, 8);
  } else if (n >= 4) {
    FL_STORE_PIECE(core, d, s, 4);
    if (n > 4) FL_STORE_PIECE(core, d + n - 4, s + n - 4, 4);
  } else {
    for (size_t i = 0; i < n; i += 1) FL_STORE_PIECE(core, d + i, s + i, 1);
  }
}

enum {
  /// Lines that are stored before they are flushed. A write-back right behind its store costs no
  /// less for one line and many times more in a row of them: 64 KiB took 3.4 us flushed in blocks
  /// of 8 or more lines, 10 us flushed line by line, 25 us so from an unaligned source (Zen 3).
  flush_block = 16,
  /// How far ahead of the loads the source is fetched, and from which length on.
  prefetch_distance = 2048,
  prefetch_threshold = 4096,
};

static inline void stream_block(const fl_core *core, unsigned char *d, const unsigned char *s,
                                size_t lines, bool prefetches) {
  for (size_t i = 0; i < lines * FL_LINE_SIZE; i += FL_LINE_SIZE) {
    if (prefetches) __builtin_prefetch(s + prefetch_distance + i);
    fl_stream_line(core, d + i, s + i);
  }
}

static inline void stream_lines(const fl_core *core, unsigned char *d, const unsigned char *s,
                                size_t lines, bool flushes) {
  const bool prefetches = lines * FL_LINE_SIZE >= prefetch_threshold;
  while (lines > 0) {
    const size_t block = lines < flush_block ? lines : flush_block;
    if (prefetches) {
      stream_block(core, d, s, block, true);
    } else {
      stream_block(core, d, s, block, false);
    }
    if (flushes) FL_FLUSH_LINES(core, d, block);
    d += block * FL_LINE_SIZE;
    s += block * FL_LINE_SIZE;
    lines -= block;
  }
}

static void copy_cached(const fl_core *core, unsigned char *d, const unsigned char *s,
                        size_t count) {
  size_t head = fl_bytes_to_line(d);
  if (head > 0) {
    if (head > count) head = count;
    store_part(core, d, s, head);
    d += head;
    s += head;
    count -= head;
  }
  for (; count >= FL_LINE_SIZE; count -= FL_LINE_SIZE) {
    fl_store_line(core, d, s);
    d += FL_LINE_SIZE;
    s += FL_LINE_SIZE;
  }
  store_part(core, d, s, count);
}

/// Starts the write-back of what was stored through the cache.
static inline void flush_copied(const fl_core *core, unsigned char *d, size_t count) {
  size_t head = fl_bytes_to_line(d);
  if (head > 0) {
    if (head > count) head = count;
    if (!FL_MUTANT(partialHeadUnflushed)) {
      FL_FLUSH_LINES(core, d - (uintptr_t)d % FL_LINE_SIZE, 1);
    }
    d += head;
    count -= head;
  }
  const size_t lines = count / FL_LINE_SIZE;
  if (!FL_MUTANT(wholeLinesUnflushed)) FL_FLUSH_LINES(core, d, lines);
  if (count % FL_LINE_SIZE > 0 && !FL_MUTANT(partialTailUnflushed)) {
    FL_FLUSH_LINES(core, d + lines * FL_LINE_SIZE, 1);
  }
}

/// Whole lines past the cache, whatever there is beside them.
static void copy_streamed(const fl_core *core, unsigned char *d, const unsigned char *s,
                          size_t count) {
  // `size_t`, not a narrower type: the first line's share is compared with any count.
  size_t head = fl_bytes_to_line(d);
  if (head > 0) {
    if (head > count) head = count;
    store_part(core, d, s, head);
    if (!FL_MUTANT(partialHeadUnflushed)) {
      FL_FLUSH_LINES(core, d - (uintptr_t)d % FL_LINE_SIZE, 1);
    }
    d += head;
    s += head;
    count -= head;
  }
  const size_t lines = count / FL_LINE_SIZE;
  const bool flushes = !FL_SET_STREAMS || core->policy == FL_POLICY_STRICT;
  stream_lines(core, d, s, lines, flushes && !FL_MUTANT(wholeLinesUnflushed));
  const size_t tail = count % FL_LINE_SIZE;
  if (tail > 0) {
    d += lines * FL_LINE_SIZE;
    store_part(core, d, s + lines * FL_LINE_SIZE, tail);
    if (!FL_MUTANT(partialTailUnflushed)) FL_FLUSH_LINES(core, d, 1);
  }
}

static void copy_flushed(const fl_core *core, unsigned char *d, const unsigned char *s,
                         size_t count) {
  if (FL_SET_STREAMS && count <= fl_cached_most(core) &&
      (fl_bytes_to_line(d) > 0 || count % FL_LINE_SIZE > 0)) {
    copy_cached(core, d, s, count);
    flush_copied(core, d, count);
  } else {
    copy_streamed(core, d, s, count);
  }
}

static void flush_range(const fl_core *core, const unsigned char *start, size_t count) {
  const unsigned char *line = start - (uintptr_t)start % FL_LINE_SIZE;
  size_t lines = fl_line_count(start, count);
  if (FL_MUTANT(flushLeavesOutFirstLine) && lines > 0) {
    line += FL_LINE_SIZE;
    lines -= 1;
  }
  if (FL_MUTANT(flushLeavesOutLastLine) && lines > 0) lines -= 1;
  FL_FLUSH_LINES(core, line, lines);
}

/// The table entry of the instruction set that included this file.
#define FL_COPY_SET(set_name)       \
  {                                 \
      .name = (set_name),           \
      .copy = copy_flushed,         \
      .gather = copy_flushed,       \
      .stretch = copy_streamed,     \
      .cached = copy_cached,        \
      .flush = flush_range,         \
      .streams = FL_SET_STREAMS,    \
  }
