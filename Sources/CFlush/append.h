// Appending a short record, written once and compiled once per kind of checksum: with a call for
// every part, or with the short parts' checksum in line. An includer that defines
//
//   FL_APPEND_SMALL                the function's name
//   FL_APPEND_CRC(state, p, n)     the checksum of a part, n > 0
//
// before including this gets that function.
#include "core.h"
#include "crc32c.h"

#ifndef CFLUSH_APPEND_H
#define CFLUSH_APPEND_H

enum {
  /// Bytes. Records up to here are put together on the stack. In longer ones copying the value
  /// straight from its place is faster, and its lines drain while the checksum goes on.
  fl_small_record = 512,
};

static inline uint32_t fl_store_crc(unsigned char *header, uint32_t crc) {
  for (int i = 0; i < 4; i += 1) header[i] = (unsigned char)(crc >> 8 * i);
  return crc;
}

#endif

#if defined(FL_APPEND_SMALL)

/// Staged first, checksummed from the sources second: the staging stores have reached the cache by
/// the time the lines are loaded again. Loads that span several stores in flight would wait.
uint32_t FL_APPEND_SMALL(const fl_core *core, unsigned char *d, const fl_append_parts *parts,
                         size_t total, uint32_t seed, fl_append_mode mode) {
  _Alignas(FL_LINE_SIZE) unsigned char stage[fl_small_record + FL_LINE_SIZE];
  unsigned char *const record = stage + (uintptr_t)d % FL_LINE_SIZE;
  unsigned char *const header = parts->header;
  const fl_slice key = parts->key, value = parts->value, trailer = parts->trailer;
  unsigned char *at = record;
  fl_stage(at, header, parts->header_length);
  at += parts->header_length;
  fl_stage(at, key.base, key.length);
  at += key.length;
  fl_stage(at, value.base, value.length);
  at += value.length;
  fl_stage(at, trailer.base, trailer.length);

  uint32_t state = ~seed;
  if (key.length > 0) state = FL_APPEND_CRC(state, key.base, key.length);
  if (value.length > 0) state = FL_APPEND_CRC(state, value.base, value.length);
  if (parts->header_length > 4) {
    state = FL_APPEND_CRC(state, header + 4, parts->header_length - 4);
  }
  fl_store_crc(header, ~state);
  fl_store_crc(record, ~state);
  if (mode == FL_APPEND_FLUSHED) {
    core->copy(core, d, record, total);
  } else {
    const size_t behind = parts->header_length;
    core->cached(core, d + behind, record + behind, total - behind);
    core->cached(core, d, record, behind);
  }
  return ~state;
}

#endif
