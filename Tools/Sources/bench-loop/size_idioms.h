/*
 * size_idioms.h - ways to copy any bytes and make them durable, as someone would write them by hand
 * for one copy. size_floor.c includes this once for each width of vectors, after it has defined
 *
 *   IDIOM(name)             the name of a function for this width
 *   IDIOM_TARGET            the attribute that its instructions need, or nothing
 *   stream_line(to, from)   stores an aligned line past the caches
 *   store_line(to, from)    stores an aligned line into them
 *
 * Each takes a policy: strict writes every line back, trusting only what went into a cache. A line
 * that is covered in part keeps its other bytes.
 */

/* All through the cache. */
IDIOM_TARGET static void IDIOM(cached)(uint8_t *to, const uint8_t *from, size_t n, bool strict) {
  (void)strict;
  const struct pieces p = pieces_of(to, n);
  store_part(to, from, p.head);
  for (size_t line = 0; line < p.lines;) {
    const size_t block = p.lines - line < BLOCK ? p.lines - line : BLOCK, first = line;
    for (; line < first + block; line++)
      store_line(to + p.head + line * LINE, from + p.head + line * LINE);
    write_back(to + p.head + first * LINE, block);
  }
  store_part(to + n - p.tail, from + n - p.tail, p.tail);
  if (p.head > 0) write_back(to, 1);
  if (p.tail > 0) write_back(to + n - p.tail, 1);
  _mm_sfence();
}

/* Whole lines past the caches. */
static inline __attribute__((always_inline)) IDIOM_TARGET void IDIOM(stream_lines)(
    uint8_t *to, const uint8_t *from, size_t lines, bool strict, bool ahead) {
  for (size_t line = 0; line < lines;) {
    const size_t block = lines - line < BLOCK ? lines - line : BLOCK, first = line;
    for (; line < first + block; line++) {
      if (ahead) __builtin_prefetch(from + line * LINE + AHEAD);
      stream_line(to + line * LINE, from + line * LINE);
    }
    if (strict) write_back(to + first * LINE, block);
  }
}

/* The ends first: the cache has to get their lines before it can write them back, so their stores
 * wait while the others go out. */
static inline __attribute__((always_inline)) IDIOM_TARGET void IDIOM(ends_before_lines)(
    uint8_t *to, const uint8_t *from, size_t n, bool strict, bool ahead) {
  const struct pieces p = pieces_of(to, n);
  store_part(to, from, p.head);
  store_part(to + n - p.tail, from + n - p.tail, p.tail);
  IDIOM(stream_lines)(to + p.head, from + p.head, p.lines, strict, ahead);
  if (p.head > 0) write_back(to, 1);
  if (p.tail > 0) write_back(to + n - p.tail, 1);
  _mm_sfence();
}

IDIOM_TARGET static void IDIOM(ends_first)(uint8_t *to, const uint8_t *from, size_t n,
                                           bool strict) {
  IDIOM(ends_before_lines)(to, from, n, strict, false);
}

/* The same with the source fetched ahead, for long ones. */
IDIOM_TARGET static void IDIOM(ahead)(uint8_t *to, const uint8_t *from, size_t n, bool strict) {
  IDIOM(ends_before_lines)(to, from, n, strict, true);
}

/* The ends past the caches, too, word by word. */
IDIOM_TARGET static void IDIOM(words)(uint8_t *to, const uint8_t *from, size_t n, bool strict) {
  const struct pieces p = pieces_of(to, n);
  stream_part(to, from, p.head);
  IDIOM(stream_lines)(to + p.head, from + p.head, p.lines, strict, false);
  stream_part(to + n - p.tail, from + n - p.tail, p.tail);
  if (strict && p.head > 0) write_back(to, 1);
  if (strict && p.tail > 0) write_back(to + n - p.tail, 1);
  _mm_sfence();
}
