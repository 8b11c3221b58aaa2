// Choosing a core. All tables are built once, for every instruction set and flush instruction that
// this CPU has, under both policies; choosing is then a search in that list, best first.
#include "dispatch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "flush.h"

enum { max_cores = 4 * FL_FLUSH_KINDS * 2 };

static const char *const flush_names[FL_FLUSH_KINDS] = {
    [FL_FLUSH_NONE] = "none",
    [FL_FLUSH_CLFLUSH] = "clflush",
    [FL_FLUSH_CLFLUSHOPT] = "clflushopt",
    [FL_FLUSH_CLWB] = "clwb",
    [FL_FLUSH_CVAC] = "cvac",
    [FL_FLUSH_CVAP] = "cvap",
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static fl_cpu cpu;
static fl_core cores[max_cores];  // best first
static size_t core_count;
static const fl_core *selected[FL_POLICY_PLAIN + 1];

static void fence(const fl_core *core) {
  (void)core;
  fl_fence_now();
}

static void copy_plain(const fl_core *core, unsigned char *d, const unsigned char *s,
                       size_t count) {
  (void)core;
  memcpy(d, s, count);
}

static void flush_nothing(const fl_core *core, const unsigned char *start, size_t count) {
  (void)core;
  (void)start;
  (void)count;
}

static const fl_core plain_core = {
    .copy = copy_plain,
    .gather = copy_plain,
    .stretch = copy_plain,
    .cached = copy_plain,
    .flush = flush_nothing,
    .fence = fence,
    .copy_name = "generic",
    .policy = FL_POLICY_PLAIN,
    .flush_kind = FL_FLUSH_NONE,
};

static bool has_flush(fl_flush_kind kind) {
  if (!FL_HAS_FLUSHCACHE) return kind == FL_FLUSH_NONE;
  switch (kind) {
    case FL_FLUSH_CLFLUSH: return cpu.clflush;
    case FL_FLUSH_CLFLUSHOPT: return cpu.clflushopt;
    case FL_FLUSH_CLWB: return cpu.clwb;
    case FL_FLUSH_CVAC: return cpu.cvac;
    case FL_FLUSH_CVAP: return cpu.cvap;
    default: return true;
  }
}

static void add_core(const fl_copy_set *set, fl_flush_kind kind, fl_policy policy) {
  cores[core_count] = (fl_core){
      .copy = set->copy,
      .gather = set->gather,
      .stretch = set->stretch,
      .cached = set->cached,
      .flush = set->flush,
      .fence = fence,
      .copy_name = set->name,
      .policy = policy,
      .flush_kind = kind,
  };
  core_count += 1;
}

static void add_cores(const fl_copy_set *set) {
  for (int kind = FL_FLUSH_KINDS - 1; kind >= 0; kind -= 1) {
    if (!has_flush((fl_flush_kind)kind)) continue;
    add_core(set, (fl_flush_kind)kind, FL_POLICY_STRICT);
    if (set->streams) add_core(set, (fl_flush_kind)kind, FL_POLICY_TRUSTING);
  }
}

static fl_policy resolve(fl_policy policy) {
  if (policy != FL_POLICY_AUTO) return policy;
  return cpu.evicts_on_stream ? FL_POLICY_TRUSTING : FL_POLICY_STRICT;
}

/// NULL as a name stands for the best. A set that can't stream has STRICT cores only, and they
/// serve whoever asks for TRUSTING.
static const fl_core *find(const char *copy, const char *flush, fl_policy policy) {
  const fl_core *stricter = NULL;
  for (size_t i = 0; i < core_count; i += 1) {
    const fl_core *core = &cores[i];
    if (copy != NULL && strcmp(copy, core->copy_name) != 0) continue;
    if (flush != NULL && strcmp(flush, flush_names[core->flush_kind]) != 0) continue;
    if (core->policy == policy) return core;
    if (stricter == NULL && policy == FL_POLICY_TRUSTING) stricter = core;
  }
  return stricter;
}

/// The policy that `FENCELINE_POLICY` names, `fallback` without it, or -1.
static int forced_policy(fl_policy fallback) {
  static const char *const names[] = {
      [FL_POLICY_AUTO] = "auto",
      [FL_POLICY_STRICT] = "strict",
      [FL_POLICY_TRUSTING] = "trusting",
      [FL_POLICY_PLAIN] = "plain",
  };
  const char *name = getenv("FENCELINE_POLICY");
  if (name == NULL) return (int)fallback;
  for (int i = 0; i <= FL_POLICY_PLAIN; i += 1) {
    if (strcmp(name, names[i]) == 0) return i;
  }
  return -1;
}

static const fl_core *choose(fl_policy policy) {
  const char *copy = getenv("FENCELINE_COPY");
  const char *flush = getenv("FENCELINE_FLUSH");
  const int forced = forced_policy(policy);
  if (forced < 0 || find(copy, flush, FL_POLICY_STRICT) == NULL) return NULL;
  if (forced == FL_POLICY_PLAIN) return &plain_core;
  return find(copy, flush, resolve((fl_policy)forced));
}

static void initialise(void) {
  fl_cpu_detect(&cpu);
#if defined(__x86_64__) && FL_HAS_FLUSHCACHE
  if (cpu.avx512) add_cores(&fl_copy_set_avx512);
  if (cpu.avx2) add_cores(&fl_copy_set_avx2);
  add_cores(&fl_copy_set_sse2);
#elif defined(__aarch64__) && FL_HAS_FLUSHCACHE
  add_cores(&fl_copy_set_neon);
#endif
  add_cores(&fl_copy_set_generic);
  for (int policy = 0; policy <= FL_POLICY_PLAIN; policy += 1) {
    selected[policy] = choose((fl_policy)policy);
  }
}

const fl_cpu *fl_cpu_features(void) {
  pthread_once(&once, initialise);
  return &cpu;
}

fl_policy fl_policy_resolve(fl_policy policy) {
  pthread_once(&once, initialise);
  return policy <= FL_POLICY_PLAIN ? resolve(policy) : FL_POLICY_AUTO;
}

const fl_core *fl_core_select(fl_policy policy) {
  pthread_once(&once, initialise);
  return policy <= FL_POLICY_PLAIN ? selected[policy] : NULL;
}

const fl_core *fl_core_named(const char *copy, const char *flush, fl_policy policy) {
  pthread_once(&once, initialise);
  if (policy == FL_POLICY_PLAIN) {
    const bool is_plain = (copy == NULL || strcmp(copy, plain_core.copy_name) == 0) &&
                          (flush == NULL || strcmp(flush, flush_names[FL_FLUSH_NONE]) == 0);
    return is_plain ? &plain_core : NULL;
  }
  return policy <= FL_POLICY_PLAIN ? find(copy, flush, resolve(policy)) : NULL;
}

const fl_core *fl_core_plain(void) { return &plain_core; }

const char *fl_core_copy_name(const fl_core *core) { return core->copy_name; }

const char *fl_core_flush_name(const fl_core *core) { return flush_names[core->flush_kind]; }

fl_policy fl_core_policy(const fl_core *core) { return core->policy; }

bool fl_core_reaches_persistence(const fl_core *core) {
  return core->flush_kind != FL_FLUSH_NONE && core->flush_kind != FL_FLUSH_CVAC;
}
