// One record in one call: checksum, header, key, value, trailer.
//
// Short records are put together first (append.h). Of a long one the lines behind the header leave
// block by block, each checksummed and then copied (the other order measured slower); the lines
// that hold the header are stored last, once: the checksum takes the header last.
#include "append.h"

enum { block_size = 4096 };  // a value is checksummed and copied so much at a time, in L1

/// The register is carried from part to part as it is; inverting it is left to the two ends.
static inline uint32_t add_slice(const fl_crc *crc, uint32_t state, fl_slice slice) {
  return slice.length == 0 ? state : crc->add(state, slice.base, slice.length);
}

/// Takes in the header and stores the result in it.
static inline uint32_t add_header(const fl_crc *crc, uint32_t state, const fl_append_parts *parts) {
  unsigned char *header = parts->header;
  return fl_store_crc(header, ~crc->add(state, header + 4, parts->header_length - 4));
}

/// Bytes of the record on lines that the header touches.
static size_t front_length(const unsigned char *d, size_t header_length, size_t total) {
  const size_t front = header_length + fl_bytes_to_line(d + header_length);
  return front < total ? front : total;
}

static uint32_t append_large(const fl_core *core, unsigned char *d, const fl_append_parts *parts,
                             size_t total, uint32_t seed) {
  const fl_slice slices[] = {
      {parts->header, parts->header_length}, parts->key, parts->value, parts->trailer};
  const size_t front = front_length(d, parts->header_length, total);
  const size_t value_start = parts->header_length + parts->key.length;
  const unsigned char *value = parts->value.base;
  const fl_crc *const crc = fl_crc_chosen();
  uint32_t state = add_slice(crc, ~seed, parts->key);
  size_t copied = front;
  for (size_t i = 0; i < parts->value.length;) {
    size_t block = parts->value.length - i;
    if (block > block_size) block = block_size;
    state = crc->add(state, value + i, block);
    i += block;
    // Up to the last line that is complete; the rest goes with the next block.
    const unsigned char *reached = d + value_start + i;
    const size_t whole = value_start + i - (uintptr_t)reached % FL_LINE_SIZE;
    if (whole > copied) {
      copied += fl_copyv_flushcache(core, d + copied, slices, 4, copied, whole - copied);
    }
  }
  if (copied < total) fl_copyv_flushcache(core, d + copied, slices, 4, copied, total - copied);
  const uint32_t result = add_header(crc, state, parts);
  fl_copyv_flushcache(core, d, slices, 4, 0, front);
  return result;
}

static uint32_t append_cached(const fl_core *core, unsigned char *d, const fl_append_parts *parts,
                              uint32_t seed) {
  const fl_crc *const crc = fl_crc_chosen();
  uint32_t state = add_slice(crc, ~seed, parts->key);
  unsigned char *at = d + parts->header_length;
  fl_copy_cached(core, at, parts->key.base, parts->key.length);
  at += parts->key.length;
  const unsigned char *value = parts->value.base;
  for (size_t left = parts->value.length; left > 0;) {
    const size_t block = left < block_size ? left : block_size;
    state = crc->add(state, value, block);
    fl_copy_cached(core, at, value, block);
    value += block;
    at += block;
    left -= block;
  }
  fl_copy_cached(core, at, parts->trailer.base, parts->trailer.length);
  const uint32_t result = add_header(crc, state, parts);
  fl_copy_cached(core, d, parts->header, parts->header_length);
  return result;
}

uint32_t fl_append(const fl_core *core, void *destination, const fl_append_parts *parts,
                   uint32_t seed, fl_append_mode mode) {
  // No sum of these overflows: they all lie in one address space.
  const size_t total = parts->header_length + parts->key.length + parts->value.length +
                       parts->trailer.length;
  if (total <= fl_small_record)
    return fl_crc_chosen()->append_small(core, destination, parts, total, seed, mode);
  return mode == FL_APPEND_CACHED ? append_cached(core, destination, parts, seed)
                                  : append_large(core, destination, parts, total, seed);
}
