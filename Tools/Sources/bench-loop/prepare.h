/* prepare.h - makes the operations of a workload, before its clock starts. */
#ifndef BENCH_PREPARE_H
#define BENCH_PREPARE_H

#include "run.h"

/* Which of its keys a thread takes. */
enum choice {
  UNIFORM,  /* any, all alike */
  ZIPFIAN,  /* few of them often, and those lie anywhere */
  LATEST    /* the newest most often */
};

/* Of how many percent of the operations are what; they add up to 100. */
struct mix {
  unsigned get, miss, put, insert, modify, scan, erase;
  enum choice choice;
  unsigned scan_limit;       /* entries of a scan */
  bool scan_limit_is_range;  /* from 1 to the limit, all alike */
};

/* Gives each worker its part of `count` operations; fewer where there is no room for new keys. */
void prepare_operations(struct run *run, uint64_t count, const struct mix *mix);

/* Gives each worker its part of the deletions of all keys, in random order. */
void prepare_deletions(struct run *run);

#endif
