/*
 * data.h - keys and values, the same for every engine, made before the clock starts.
 *
 * Key number i is a bijective mix of i, so keys are distinct and their order is pseudo-random.
 * Values are windows into a pool of non-zero pseudo-random bytes (storing zeros is twice as fast),
 * chosen by the number of the write, so a key's next version differs from its last.
 */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#include "engine.h"

struct data {
  size_t value_length;
  uint8_t *pool;
  uint32_t *versions;   /* by key number: the number of its newest write */
  uint64_t key_count;   /* keys that are in the store: numbers 0 ..< key_count */
  uint64_t capacity;
  uint64_t writes;      /* numbers given to writes so far */
  uint64_t random;      /* state of the generator; the same seed gives the same choices */
};

/* In `previous` of an operation: the key was not there before. */
#define DATA_NEVER_WRITTEN UINT32_MAX

void data_create(struct data *data, size_t value_length, uint64_t capacity, uint64_t seed);

/* A uniform choice below `bound`, which is below 2^32. */
uint64_t data_random(struct data *data, uint64_t bound);

/* Fills in the operation that writes key `number` next, and counts it as done. */
void data_prepare_put(struct data *data, struct operation *operation, uint64_t number);

/* Of one that is not done after all; to be called for the newest first. */
void data_take_back(struct data *data, const struct operation *operation);

/* Fills in the operation that finds the newest value of key `number`. */
void data_prepare_get(const struct data *data, struct operation *operation, uint64_t number);

/* Fills in an operation on a key that is never written. */
void data_prepare_miss(struct operation *operation, uint64_t number);

/* Fills in key `number` with a value of its own, uncounted. */
void data_prepare_extra(const struct data *data, struct operation *operation, uint64_t number);

/* The digest of key `number`'s newest value. */
uint64_t data_digest(const struct data *data, uint64_t number);

/* Memory in huge pages where the system grants them, touched, so that the driver's own arrays cost
 * the engines few page faults and little of the TLB. Never released. */
void *data_allocate(size_t length);

static inline uint64_t data_mix(uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

#endif
