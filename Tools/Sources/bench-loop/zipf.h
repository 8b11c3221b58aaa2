/*
 * zipf.h - choices of which few are frequent: of n things, the one of rank r comes up in proportion
 * to 1 / (r + 1)^0.99, as in YCSB.
 *
 * The method is that of Gray et al., "Quickly generating billion-record synthetic databases"
 * (SIGMOD 1994): the distribution's sum is taken once, then each choice costs one power.
 */
#ifndef BENCH_ZIPF_H
#define BENCH_ZIPF_H

#include <stdint.h>

struct zipf {
  uint64_t count;
  double sum;    /* of all weights */
  double scale;  /* the paper's eta */
};

/* Prepares for `count` things; keeps the sum where the count is what it was. */
void zipf_prepare(struct zipf *zipf, uint64_t count);

/* A rank below the count, 0 the most frequent; `uniform` is in 0 ..< 1. */
uint64_t zipf_rank(const struct zipf *zipf, double uniform);

#endif
