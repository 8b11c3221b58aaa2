/* floor.h - the parts of the floor (see floor.c). */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "data.h"
#include "loop.h"
#include "workloads.h"

/* Of Fenceline's format, for the `record-` forms and the reads' footprint. */
enum { RECORD_HEADER = 20 };

/* Appends and syncs on a disk. */
void floor_disk(const struct plan *plan, const struct data *data, uint32_t *samples,
                uint64_t count);

/* Loads that miss caches and TLB, each of which has to wait for the one before. */
void floor_reads(const struct plan *plan, uint32_t *samples, uint64_t count);

/* Bandwidth of one thread: non-temporal stores to, and loads from, a mapped file. */
void floor_streams(const struct plan *plan);

#endif
