/*
 * size_floor.h - what one durable copy of any size and place costs by the best of several ways that
 * are written by hand: nothing of Fenceline's is in it.
 */
#ifndef BENCH_SIZE_FLOOR_H
#define BENCH_SIZE_FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A way to copy: behind it the bytes are durable, under a policy that trusts or not. */
struct size_idiom {
  const char *name;
  void (*copy)(uint8_t *to, const uint8_t *from, size_t n, bool strict);
  bool only_strict;   /* it writes everything back under either policy */
  bool trusts_parts;  /* where it trusts, then also non-temporal stores of less than a line */
};

/* The ways of this CPU; none where they are not written yet. Lengths and places are multiples of 4.
 */
size_t size_idioms(const struct size_idiom **list);

#endif
