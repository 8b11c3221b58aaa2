// The copy core's checks as a program without Swift, so that they run on an emulated CPU: says on the first
// line what this CPU was given, then runs what the tests in Tests/CFlushTests run.
//
//   dispatch row      only the first line, and one copy with its flush
//   dispatch chosen   checks what was chosen
//   dispatch all      checks everything that this CPU has
#include <stdio.h>
#include <string.h>

#include "CFlushTestSupport.h"

enum { seed = 1 };

static int checks, failures;

/// Takes the message of one check.
static void expect(const char *what, const char *detail, const char *message) {
  checks += 1;
  if (message == NULL) return;
  failures += 1;
  printf("failed: %s, %s: %s\n", what, detail, message);
}

/// Takes a plain truth.
static void require(const char *what, bool holds) { expect(what, "", holds ? NULL : "no"); }

static const char *const copy_names[] = {"flushed", "cached", "gathered", "unsafe", "filled"};

static const char *name_of(const fl_core *core) {
  static const char *const policies[] = {"auto", "strict", "trusting", "plain"};
  static char name[64];
  snprintf(name, sizeof name, "%s/%s/%s", fl_core_copy_name(core), fl_core_flush_name(core),
           policies[fl_core_policy(core)]);
  return name;
}

/// Everything that a core does with bytes; what does not depend on the flush only where `is_whole`.
static void check_core(const fl_core *core, bool is_whole) {
  const char *const name = name_of(core);
  for (int copy = CFT_COPY_FLUSHED; copy <= CFT_FILL; copy += 1) {
    if (copy > CFT_COPY_CACHED && !is_whole) continue;
    expect(name, copy_names[copy], cft_check_short_copies(core, (cft_copy)copy));
    if (is_whole) expect(name, copy_names[copy], cft_check_long_copies(core, (cft_copy)copy));
  }
  if (!is_whole) return;
  expect(name, "gathering", cft_check_gathering(core, seed, 1500));
  expect(name, "page bounds", cft_check_page_bounds(core));
  for (int mode = FL_APPEND_CACHED; mode <= FL_APPEND_FLUSHED; mode += 1) {
    expect(name, "short appends", cft_check_short_appends(core, (fl_append_mode)mode));
    expect(name, "random appends", cft_check_random_appends(core, (fl_append_mode)mode, seed, 60));
  }
}

/// Every core that this CPU has.
static void check_all_cores(void) {
  static const char *const sets[] = {"avx512", "avx2", "sse2", "neon", "generic"};
  static const char *const flushes[] = {"clwb", "clflushopt", "clflush", "cvap", "cvac", "none"};
  for (size_t set = 0; set < sizeof sets / sizeof *sets; set += 1) {
    for (int policy = FL_POLICY_STRICT; policy <= FL_POLICY_TRUSTING; policy += 1) {
      bool is_first = true;
      for (size_t flush = 0; flush < sizeof flushes / sizeof *flushes; flush += 1) {
        const fl_core *const core = fl_core_named(sets[set], flushes[flush], (fl_policy)policy);
        // A set that can't stream serves both policies with the strict core.
        if (core == NULL || fl_core_policy(core) != (fl_policy)policy) continue;
        check_core(core, is_first);
        is_first = false;
      }
    }
  }
  check_core(fl_core_plain(), true);
}

/// The chosen one as it is, and how it would copy where a streamed line is known to leave the cache.
static void check_chosen_core(const fl_core *chosen) {
  check_core(chosen, true);
  const fl_core *const other = fl_core_named(
      fl_core_copy_name(chosen), fl_core_flush_name(chosen), FL_POLICY_TRUSTING);
  if (other != NULL && other != chosen) check_core(other, false);
}

static void check_recording(void) {
  static const char *const policies[] = {"auto", "strict", "trusting", "plain"};
  for (int policy = FL_POLICY_STRICT; policy <= FL_POLICY_PLAIN; policy += 1) {
    const fl_policy p = (fl_policy)policy;
    for (int copy = CFT_COPY_FLUSHED; copy <= CFT_FILL; copy += 1)
      expect("recorded", copy_names[copy], cft_check_recorded_copies(p, (cft_copy)copy));
    expect("recorded gathering", policies[p], cft_check_recorded_gathering(p, seed, 1000));
    for (int mode = FL_APPEND_CACHED; mode <= FL_APPEND_FLUSHED; mode += 1)
      expect("recorded appends", policies[p],
             cft_check_recorded_appends(p, (fl_append_mode)mode, seed, 1000));
    expect("recorded flushes", policies[p], cft_check_recorded_flush_and_fence(p));
  }
}

static void check_checksum(const char *name) {
  expect("checksum", name, cft_check_crc(name, seed));
  expect("continued checksum", name, cft_check_crc_chaining(name, seed));
}

static void check_all_checksums(void) {
  static const char *const names[] = {"software", "sse42",      "clmul",
                                      "vpclmul",  "vpclmul512", "arm"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i += 1) {
    if (cft_has_crc(names[i])) check_checksum(names[i]);
  }
}

/// By way of the functions that everybody calls.
static void check_calls(void) {
  require("the check value of the standard", fl_crc32c(0, "123456789", 9) == 0xe3069283);
  for (size_t length = 0; length <= 200; length += 1) {
    unsigned char bytes[200];
    for (size_t i = 0; i < length; i += 1) bytes[i] = (unsigned char)(i * 7 + seed);
    require("the chosen checksum", fl_crc32c(1, bytes, length) == cft_bitwise_crc(1, bytes, length));
  }
  const uint64_t value = 0x0123456789abcdef;
  const uint32_t half = (uint32_t)value;
  const uint16_t quarter = (uint16_t)value;
  require("of 8 bytes in line", fl_crc32c_uint64(5, value) == fl_crc32c(5, &value, 8));
  require("of 4 bytes in line", fl_crc32c_uint32(5, half) == fl_crc32c(5, &half, 4));
  require("of 2 bytes in line", fl_crc32c_uint16(5, quarter) == fl_crc32c(5, &quarter, 2));
  unsigned char bytes[200];
  for (size_t i = 0; i < sizeof bytes; i += 1) bytes[i] = (unsigned char)i;
  require("the hash of 8 bytes", fl_hash64(bytes, 8, 42) == 0x704e0e51a12576e1);
  require("the hash of 200 bytes", fl_hash64(bytes, 200, 42) == 0x2cf7223e652ef86f);
  require("the hash in line", fl_hash64_key(bytes, 15, 42) == 0xc7271bd461ec1876);
}

static void check_guards(void) {
  const fl_core *const core = fl_core_select(FL_POLICY_STRICT);
  for (int fault = CFT_FAULT_PROTECTED_PAGE; fault <= CFT_FAULT_TRUNCATED_FILE; fault += 1) {
    for (int guard = CFT_GUARD_DRAM; guard <= CFT_GUARD_PIPE; guard += 1) {
      char detail[32];
      snprintf(detail, sizeof detail, "fault %d, way %d", fault, guard);
      expect("guarded copies", detail, cft_check_guard(core, (cft_fault)fault, (cft_guard)guard));
    }
  }
}

int main(int count, char **arguments) {
  const char *const what = count == 2 ? arguments[1] : "";
  const bool is_all = strcmp(what, "all") == 0;
  if (!is_all && strcmp(what, "chosen") != 0 && strcmp(what, "row") != 0) {
    fprintf(stderr, "usage: dispatch row|chosen|all\n");
    return 64;
  }
  const fl_core *const chosen = fl_core_select(FL_POLICY_AUTO);
  if (chosen == NULL) {
    printf("no core\n");
    return 1;
  }
  printf("%s %s\n", name_of(chosen), fl_crc32c_name());
  fflush(stdout);
  if (strcmp(what, "row") == 0) {
    // Here an instruction shows that is offered and can't be executed.
    unsigned char line[2 * FL_LINE_SIZE];
    fl_copy_flushcache(chosen, line, arguments[1], 3);
    fl_fence(chosen);
    return 0;
  }
  check_calls();
  check_recording();
  check_guards();
  if (is_all) {
    check_all_checksums();
    check_all_cores();
  } else {
    check_checksum(fl_crc32c_name());
    check_chosen_core(chosen);
  }
  printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
