// Recording: the same template, with primitives that do the store and then report it. The stores
// are ordinary ones, so that what the recorder reads is what has been stored; flushes and fences
// are reported only: the trace, not the cache, is what a recording core is for.
#include <stdlib.h>

#include "dispatch.h"
#include "flush.h"

typedef struct fl_recording_core {
  fl_core core;  // first: a `fl_core *` of a recording core is a pointer to this
  fl_recorder recorder;
  void *context;
} fl_recording_core;

static void record(const fl_core *core, fl_event_kind kind, const void *address, size_t length) {
  const fl_recording_core *recording = (const fl_recording_core *)(const void *)core;
  const fl_event event = {
      .kind = kind, .thread = fl_thread_id(), .address = address, .length = length};
  recording->recorder(recording->context, &event);
}

#define FL_STORED(core, d, n) record((core), FL_EVENT_STORE_CACHED, (d), (n))
#define FL_FLUSH_LINES(core, line, n) record_flushes((core), (line), (n))

static void record_flushes(const fl_core *core, const unsigned char *line, size_t count) {
  for (; count > 0; count -= 1) {
    record(core, FL_EVENT_FLUSH, line, FL_LINE_SIZE);
    line += FL_LINE_SIZE;
  }
}

static inline void fl_stream_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  __builtin_memcpy(d, s, FL_LINE_SIZE);
  record(core, FL_EVENT_STORE_STREAM, d, FL_LINE_SIZE);
}

static inline void fl_store_line(const fl_core *core, unsigned char *d, const unsigned char *s) {
  // In pieces of 16 bytes: a trace finer than the real stores only adds states to examine.
  for (size_t i = 0; i < FL_LINE_SIZE; i += 16) {
    __builtin_memcpy(d + i, s + i, 16);
    record(core, FL_EVENT_STORE_CACHED, d + i, 16);
  }
}

#define FL_SET_STREAMS 1
#include "copy_template.h"

static void flush_nothing(const fl_core *core, const unsigned char *start, size_t count) {
  (void)core;
  (void)start;
  (void)count;
}

static void record_fence(const fl_core *core) { record(core, FL_EVENT_FENCE, NULL, 0); }

fl_core *fl_core_recording(fl_policy policy, fl_recorder recorder, void *context) {
  const fl_policy resolved = fl_policy_resolve(policy);
  if (recorder == NULL || resolved == FL_POLICY_AUTO) return NULL;
  fl_recording_core *recording = calloc(1, sizeof *recording);
  if (recording == NULL) return NULL;
  const bool plain = resolved == FL_POLICY_PLAIN;
  recording->core = (fl_core){
      .copy = plain ? copy_cached : copy_flushed,
      .gather = plain ? copy_cached : copy_flushed,
      .stretch = plain ? copy_cached : copy_streamed,
      .cached = copy_cached,
      .flush = plain ? flush_nothing : flush_range,
      .fence = record_fence,
      .copy_name = "recording",
      .policy = resolved,
      // What it stands for; no such instruction is executed.
      .flush_kind = plain ? FL_FLUSH_NONE : FL_FLUSH_CLWB,
  };
  recording->recorder = recorder;
  recording->context = context;
  return &recording->core;
}

void fl_core_release(fl_core *core) { free(core); }
