// Recorded copies against the contract. The rules are stated per line, from the range alone, so
// they do not repeat how the copy loops go about it.
#include "support.h"

typedef struct line_state {
  unsigned cached, streamed, flushes;
  bool dirty;              // stored to since its last flush
  uint64_t stored;         // one bit per byte
  size_t last_start;       // of the last cached store, to see that stores ascend
} line_state;

enum { region_lines = 2048, region_size = region_lines * 64 };

typedef struct trace {
  unsigned char *region;
  size_t line_count;  // what the current check may touch; an event beyond it is a fault
  line_state lines[region_lines];
  unsigned fences;
  const char *fault;  // the first event that breaks a rule
} trace;

static void observe(void *context, const fl_event *event) {
  trace *t = context;
  if (event->thread != fl_thread_id()) t->fault = "an event names another thread";
  if (event->kind == FL_EVENT_FENCE) {
    if (event->address != NULL || event->length != 0) t->fault = "a fence has no address";
    t->fences += 1;
    return;
  }
  const size_t offset = (size_t)((const unsigned char *)event->address - t->region);
  if (offset >= t->line_count * FL_LINE_SIZE) {
    t->fault = "an event outside the region";
    return;
  }
  const size_t start = offset % FL_LINE_SIZE;
  if (event->length == 0 || start + event->length > FL_LINE_SIZE) {
    t->fault = "an event crosses a line";
    return;
  }
  line_state *line = &t->lines[offset / FL_LINE_SIZE];
  const uint64_t bytes = (event->length == 64 ? ~0ull : (1ull << event->length) - 1) << start;
  switch (event->kind) {
    case FL_EVENT_STORE_CACHED:
      if (line->cached > 0 && start < line->last_start) t->fault = "stores descend in a line";
      line->cached += 1;
      line->last_start = start;
      line->stored |= bytes;
      line->dirty = true;
      break;
    case FL_EVENT_STORE_STREAM:
      if (event->length != FL_LINE_SIZE) t->fault = "a stream store of less than a line";
      line->streamed += 1;
      line->stored |= bytes;
      line->dirty = true;
      break;
    default:
      if (event->length != FL_LINE_SIZE) t->fault = "a flush of less than a line";
      line->flushes += 1;
      line->dirty = false;
  }
}

/// Whether a whole line is so near an end that lies within a line that a copy may take both through
/// the cache.
static bool is_near_part(size_t offset, size_t count, size_t line) {
  enum { near = 24 };
  const size_t end = offset + count;
  const bool starts_within = offset % FL_LINE_SIZE > 0, ends_within = end % FL_LINE_SIZE > 0;
  return (starts_within && line - offset / FL_LINE_SIZE < near) ||
         (ends_within && end / FL_LINE_SIZE - line < near);
}

/// The contract of a copy to [offset, offset + count): `durable` tells a flushing copy from a
/// cached one.
static const char *check_lines(const trace *t, size_t offset, size_t count, fl_policy policy,
                               bool durable, bool ascending_pieces) {
  if (t->fault != NULL && (ascending_pieces || strstr(t->fault, "descend") == NULL)) {
    return failure("offset %zu, count %zu: %s", offset, count, t->fault);
  }
  if (t->fences != 0) return failure("offset %zu, count %zu: a fence", offset, count);
  for (size_t i = 0; i < t->line_count; i += 1) {
    const line_state *line = &t->lines[i];
    const size_t start = i * FL_LINE_SIZE, end = start + FL_LINE_SIZE;
    uint64_t wanted = 0;
    if (count > 0 && offset < end && start < offset + count) {
      const size_t from = offset > start ? offset - start : 0;
      const size_t to = offset + count < end ? offset + count - start : FL_LINE_SIZE;
      wanted = (to - from == 64 ? ~0ull : (1ull << (to - from)) - 1) << from;
    }
    if (line->stored != wanted) {
      return failure("offset %zu, count %zu: line %zu: stored to other bytes", offset, count, i);
    }
    const bool whole = wanted == ~0ull, streams = durable && policy != FL_POLICY_PLAIN;
    const bool streamed = line->streamed > 0;
    if (line->streamed > (whole && streams ? 1 : 0) ||
        (whole && streams && !streamed && !is_near_part(offset, count, i))) {
      return failure("offset %zu, count %zu: line %zu: %u stream stores", offset, count, i,
                     line->streamed);
    }
    if (streamed && line->cached > 0) {
      return failure("offset %zu, count %zu: line %zu: both kinds of store", offset, count, i);
    }
    const bool flushed = wanted != 0 && streams && (policy == FL_POLICY_STRICT || !streamed);
    if (line->flushes != (flushed ? 1 : 0)) {
      return failure("offset %zu, count %zu: line %zu: %u flushes", offset, count, i,
                     line->flushes);
    }
    if (flushed && line->dirty) {
      return failure("offset %zu, count %zu: line %zu: stored to after its flush", offset, count,
                     i);
    }
  }
  return NULL;
}

typedef struct recording {
  trace *trace;
  fl_core *core;
  fl_policy policy;
} recording;

static recording start(fl_policy policy) {
  trace *t = calloc(1, sizeof *t);
  if (t == NULL) abort();
  t->region = line_aligned(region_size);
  fl_core *core = fl_core_recording(policy, observe, t);
  if (core == NULL) abort();
  return (recording){t, core, fl_core_policy(core)};
}

/// Clears the state of as many lines as `used` bytes and some spare ones take.
static void reset(recording *r, size_t used) {
  const size_t lines = used / FL_LINE_SIZE + 8;
  if (lines > region_lines) abort();
  r->trace->line_count = lines;
  memset(r->trace->lines, 0, lines * sizeof *r->trace->lines);
  r->trace->fences = 0;
  r->trace->fault = NULL;
}

static void end(recording *r) {
  fl_core_release(r->core);
  free(r->trace->region);
  free(r->trace);
}

const char *cft_check_recorded_copies(fl_policy policy, cft_copy copy) {
  recording r = start(policy);
  unsigned char source[70000];
  fill_random(source, sizeof source, 3);
  static const size_t longer[] = {1000, 1024, 4095, 4096, 8192 + 5, 16384, 16384 + 64, 70000};
  const char *message = NULL;
  for (size_t i = 0; i < 321 + 8 && message == NULL; i += 1) {
    const size_t count = i < 321 ? i : longer[i - 321];
    const size_t step = copy == CFT_COPY_UNSAFE ? 5 : 1;
    for (size_t to = 0; to < FL_LINE_SIZE && message == NULL; to += step) {
      reset(&r, count);
      unsigned char *const d = r.trace->region + 64 + to;
      do_copy(r.core, copy, d, source, count);
      message = check_lines(r.trace, 64 + to, count, r.policy, copy != CFT_COPY_CACHED, true);
      if (message == NULL && copy != CFT_FILL && memcmp(d, source, count) != 0) {
        message = failure("offset %zu, count %zu: the bytes differ", to, count);
      }
    }
  }
  end(&r);
  return message;
}

const char *cft_check_recorded_gathering(fl_policy policy, uint64_t seed, int rounds) {
  recording r = start(policy);
  unsigned char source[20000];
  fill_random(source, sizeof source, seed);
  const char *message = NULL;
  for (int round = 0; round < rounds && message == NULL; round += 1) {
    fl_slice slices[6];
    size_t total = 0;
    for (size_t i = 0; i < 6; i += 1) {
      static const size_t bounds[] = {1, 20, 100, 3000, 20000};
      const size_t length = random_below(&seed, bounds[random_below(&seed, 5)]);
      slices[i] = (fl_slice){source + random_below(&seed, sizeof source - length), length};
      total += length;
    }
    const size_t offset = random_below(&seed, total / 2 + 1);
    const size_t to = random_below(&seed, 256);
    reset(&r, to + total - offset);
    const size_t copied =
        fl_copyv_flushcache(r.core, r.trace->region + to, slices, 6, offset, SIZE_MAX);
    message = copied == total - offset
                  ? check_lines(r.trace, to, copied, r.policy, true, true)
                  : failure("round %d: %zu bytes copied", round, copied);
  }
  end(&r);
  return message;
}

const char *cft_check_recorded_appends(fl_policy policy, fl_append_mode mode, uint64_t seed,
                                       int rounds) {
  recording r = start(policy);
  unsigned char source[60000];
  fill_random(source, sizeof source, seed);
  const char *message = NULL;
  for (int round = 0; round < rounds && message == NULL; round += 1) {
    static const size_t bounds[] = {1, 20, 130, 5000, 50000};
    unsigned char header[128];
    const fl_append_parts parts = {
        .header = header,
        .header_length = 4 + random_below(&seed, 125),
        .key = {source, random_below(&seed, bounds[random_below(&seed, 4)])},
        .value = {source + 1, random_below(&seed, bounds[random_below(&seed, 5)])},
        .trailer = {source + 2, random_below(&seed, 64)},
    };
    const size_t total = parts.header_length + parts.key.length + parts.value.length +
                         parts.trailer.length;
    const size_t to = random_below(&seed, 2) == 0 ? 0 : random_below(&seed, 256);
    reset(&r, to + total);
    fl_append(r.core, r.trace->region + to, &parts, 0, mode);
    // A cached append stores its header last, so pieces need not ascend within its lines.
    message = check_lines(r.trace, to, total, r.policy, mode == FL_APPEND_FLUSHED,
                          mode == FL_APPEND_FLUSHED);
  }
  end(&r);
  return message;
}

const char *cft_check_recorded_flush_and_fence(fl_policy policy) {
  recording r = start(policy);
  const char *message = NULL;
  for (size_t to = 0; to < 130 && message == NULL; to += 1) {
    for (size_t count = 0; count < 200 && message == NULL; count += 1) {
      reset(&r, to + count);
      fl_flush(r.core, r.trace->region + to, count);
      fl_fence(r.core);
      if (r.trace->fault != NULL) message = failure("%s", r.trace->fault);
      if (r.trace->fences != 1) message = failure("%u fences", r.trace->fences);
      for (size_t i = 0; i < r.trace->line_count && message == NULL; i += 1) {
        const bool touched = count > 0 && i >= to / 64 && i <= (to + count - 1) / 64;
        const unsigned wanted = touched && r.policy != FL_POLICY_PLAIN ? 1 : 0;
        if (r.trace->lines[i].flushes != wanted || r.trace->lines[i].stored != 0) {
          message = failure("offset %zu, count %zu: line %zu: %u flushes", to, count, i,
                            r.trace->lines[i].flushes);
        }
      }
    }
  }
  end(&r);
  return message;
}
