/* steps.h - what is timed: one step of each shape, and the loops around them. */
#ifndef BENCH_STEPS_H
#define BENCH_STEPS_H

#include "run.h"

/* One operation of whatever kind. */
struct output_result loop_over_operations(struct worker *worker);
/* A batch of puts in one transaction; a step is a batch. */
struct output_result loop_over_batches(struct worker *worker);
/* A multi-get; a step is one call. */
struct output_result loop_over_many(struct worker *worker);
/* One walk over all entries; it counts an operation for each. */
struct output_result walk_over_all(struct worker *worker);

#endif
