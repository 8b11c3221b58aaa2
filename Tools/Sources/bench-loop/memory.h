/*
 * memory.h - what an engine takes of memory beside mappings of its files: anonymous pages of this
 * process, less those that the driver had before the engine's first call. Pages of the file cache
 * belong to the kernel and are not among them.
 */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdint.h>

/* From now on pages are the engine's; a thread looks for the peak every 10 ms. */
void memory_start(void);

uint64_t memory_now(void);
uint64_t memory_peak(void);

#endif
