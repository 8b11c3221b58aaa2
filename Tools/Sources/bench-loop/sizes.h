/* sizes.h - fenced copies of all sizes, one at a time. */
#ifndef BENCH_SIZES_H
#define BENCH_SIZES_H

#include "workloads.h"

/* Measures the copy core and libpmem beside several ways that are written by hand (size_floor.h), at
 * the beginning of a line and 8 bytes behind one. The ways' names:
 *
 *   core-strict, core-trusting  the copy core and its fence
 *   pmem                        pmem_memcpy_persist
 *   strict-..., trusting-...    by hand; the best of them is the policy's floor. What writes
 *                               everything back is strict, and counts under both
 *   words                       by hand, and trusting for parts of lines, too, which no policy is
 */
void run_size_comparison(const struct plan *plan);

#endif
