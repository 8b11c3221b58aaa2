/* data.c - see data.h. */
#include "data.h"
#include "output.h"

#include <stdlib.h>
#include <sys/mman.h>

/* Windows start in the first part of the pool, which fits a second-level cache, as what a program
 * has just made does. */
static const size_t window_starts = 256 << 10;

/* Numbers from here on belong to keys that are never in a store. */
static const uint64_t first_missing = UINT64_C(1) << 40;

void *data_allocate(size_t length) {
  const size_t huge = 2 << 20;
  length = (length + huge - 1) / huge * huge;
  void *result = aligned_alloc(huge, length);
  if (result == NULL) fail("out of memory");
  madvise(result, length, MADV_HUGEPAGE);
  memset(result, 1, length);
  return result;
}

void data_create(struct data *data, size_t value_length, uint64_t capacity, uint64_t seed) {
  *data = (struct data){.value_length = value_length, .capacity = capacity, .random = seed};
  size_t pool_length = window_starts + value_length;
  data->pool = data_allocate(pool_length);
  for (size_t i = 0; i < pool_length; i++) {
    uint8_t byte = (uint8_t)(data_mix(seed + i) >> 56);
    data->pool[i] = byte == 0 ? 0x5a : byte;
  }
  data->versions = data_allocate(capacity * sizeof *data->versions);
  for (uint64_t i = 0; i < capacity; i++) data->versions[i] = DATA_NEVER_WRITTEN;
}

uint64_t data_random(struct data *data, uint64_t bound) {
  data->random += 0x9e3779b97f4a7c15u;
  return (data_mix(data->random) >> 32) * bound >> 32;
}

static void set_key(struct operation *operation, uint64_t number) {
  uint64_t words[2] = {data_mix(number), number * 0x9e3779b97f4a7c15u};
  memcpy(operation->key, words, sizeof words);
}

static const uint8_t *window(const struct data *data, uint64_t write) {
  return data->pool + data_mix(~write) % (window_starts / 8) * 8;
}

void data_prepare_extra(const struct data *data, struct operation *operation, uint64_t number) {
  set_key(operation, number);
  operation->value = window(data, number);
  operation->digest = 0;
}

void data_prepare_put(struct data *data, struct operation *operation, uint64_t number) {
  if (number >= data->capacity) fail("key %llu is beyond the table", (unsigned long long)number);
  set_key(operation, number);
  operation->value = window(data, data->writes);
  operation->digest = 0;
  operation->number = (uint32_t)number;
  operation->previous = data->versions[number];
  operation->kind = OPERATION_PUT;
  data->versions[number] = (uint32_t)data->writes++;
}

void data_take_back(struct data *data, const struct operation *operation) {
  data->versions[operation->number] = operation->previous;
}

uint64_t data_digest(const struct data *data, uint64_t number) {
  return value_digest(window(data, data->versions[number]), data->value_length);
}

void data_prepare_get(const struct data *data, struct operation *operation, uint64_t number) {
  set_key(operation, number);
  operation->value = NULL;
  operation->digest = data_digest(data, number);
  operation->number = (uint32_t)number;
  operation->kind = OPERATION_GET;
}

void data_prepare_miss(struct operation *operation, uint64_t number) {
  set_key(operation, first_missing + number);
  operation->value = NULL;
  operation->digest = 0;
  operation->kind = OPERATION_MISS;
}
