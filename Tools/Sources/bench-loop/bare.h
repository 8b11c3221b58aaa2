/* bare.h - memory and files for what is measured without a store: the floor and the copies. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include "data.h"
#include "loop.h"
#include "workloads.h"

enum { LINE = 64 };

static inline size_t bare_lines(size_t length) { return (length + LINE - 1) / LINE; }

/* An unnamed file in the plan's directory, with its space allocated. */
int bare_file(const struct plan *plan, size_t length);

/* A mapping of such a file: its pages are there, and its lines are in no cache. */
uint8_t *bare_map(const struct plan *plan, size_t length);
void bare_unmap(uint8_t *memory, size_t length);

/* Takes lines out of every cache; `memory` begins one. */
void bare_evict(uint8_t *memory, size_t length);

/* Runs a function on all of the plan's threads at once, each with a context of its own: those of
 * `size` bytes from `contexts` on. */
void bare_together(const struct plan *plan, void (*work)(void *context), void *contexts,
                   size_t size);

/* `run_loop` around the step that it is for. */
typedef struct output_result (*bare_loop)(const struct loop *loop, void *context);

/* The same for a loop, of whose operations and samples each thread has an equal part. */
struct output_result bare_run(const struct plan *plan, bare_loop run, struct loop loop,
                              void *contexts, size_t size);

/* How many operations of `length` bytes each to do: at most `most`, and in a mapping that fits
 * beside everything else. */
uint64_t bare_count(const struct plan *plan, uint64_t most, size_t length);

/* Random sources that fit a second-level cache. */
const uint8_t *bare_source(const struct data *data, uint64_t operation);

#endif
