/* crash.h - leaves a store behind as a killed program leaves it. */
#ifndef BENCH_CRASH_H
#define BENCH_CRASH_H

#include "workloads.h"

/* The killed writer's keys, which no workload touches. */
static const uint64_t crash_first_key = UINT64_C(1) << 41;

/* Starts this program anew as a writer on the plan's directory, where no store may be open, and
 * kills it with SIGKILL once it has put a hundredth of the plan's keys (at least 1,000), none of
 * them synced. */
void leave_killed_writer(const struct engine *engine, const struct plan *plan);

/* The writer's last act. */
_Noreturn void wait_to_be_killed(void);

/* What the files of a directory hold of the medium. */
uint64_t bytes_allocated(const char *directory);

#endif
