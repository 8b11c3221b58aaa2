/*
 * main.c - bench-loop: measures one engine, or the machine's floor, on one directory.
 *
 * Started by the program `bench`, which checks what people type; arguments here are checked only as
 * far as a mistake would give wrong figures. See output.h for what it prints.
 */
#include "data.h"
#include "output.h"
#include "run.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

enum option_name {
  ENGINE = 1, DIRECTORY, VALUE_LENGTH, COUNT, WRITES, BATCH, SECONDS, SEED, WORKLOADS, SAMPLES,
  BYTE_ADDRESSABLE, CRASH_WRITER, PEAK_ENTRIES, APPENDED, MANY, RANGE, THREADS, SIZES
};

static const struct option options[] = {
    {"engine", required_argument, NULL, ENGINE},
    {"directory", required_argument, NULL, DIRECTORY},
    {"value-length", required_argument, NULL, VALUE_LENGTH},
    {"count", required_argument, NULL, COUNT},
    {"writes", required_argument, NULL, WRITES},
    {"batch", required_argument, NULL, BATCH},
    {"seconds", required_argument, NULL, SECONDS},
    {"seed", required_argument, NULL, SEED},
    {"workloads", required_argument, NULL, WORKLOADS},
    {"samples", required_argument, NULL, SAMPLES},
    {"byte-addressable", no_argument, NULL, BYTE_ADDRESSABLE},
    {"crash-writer", required_argument, NULL, CRASH_WRITER},
    {"peak-entries", required_argument, NULL, PEAK_ENTRIES},
    {"appended", required_argument, NULL, APPENDED},
    {"many", required_argument, NULL, MANY},
    {"range", required_argument, NULL, RANGE},
    {"threads", required_argument, NULL, THREADS},
    {"sizes", no_argument, NULL, SIZES},
    {NULL, 0, NULL, 0},
};

static uint64_t number(const char *text) {
  char *end;
  unsigned long long result = strtoull(text, &end, 10);
  if (end == text || *end != '\0') fail("'%s' is not a number", text);
  return result;
}

int main(int argc, char **argv) {
  struct plan plan = {.count = 1000000, .writes = 250000, .batch = 100, .many = 16, .range = 100,
                      .threads = 1,     .seconds = 10,    .seed = 1};
  const char *engine_name = "", *samples = NULL;
  uint64_t crash_tail = 0;
  int option;
  /* No process is left behind where the caller dies. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  plan.setup.value_length = 100;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case ENGINE: engine_name = optarg; break;
    case DIRECTORY: plan.setup.directory = optarg; break;
    case VALUE_LENGTH: plan.setup.value_length = number(optarg); break;
    case COUNT: plan.count = number(optarg); break;
    case WRITES: plan.writes = number(optarg); break;
    case BATCH: plan.batch = number(optarg); break;
    case SECONDS: plan.seconds = atof(optarg); break;
    case SEED: plan.seed = number(optarg); break;
    case WORKLOADS: plan.selected = optarg; break;
    case SAMPLES: samples = optarg; break;
    case BYTE_ADDRESSABLE: plan.setup.byte_addressable = 1; break;
    case CRASH_WRITER: crash_tail = number(optarg); break;
    case PEAK_ENTRIES: plan.setup.peak_entries = number(optarg); break;
    case APPENDED: plan.setup.appended = number(optarg); break;
    case MANY: plan.many = number(optarg); break;
    case RANGE: plan.range = number(optarg); break;
    case THREADS: plan.threads = (unsigned)number(optarg); break;
    case SIZES: plan.sizes = true; break;
    default: return 64;
    }
  }
  if (optind != argc || plan.setup.directory == NULL || plan.count == 0 || plan.batch == 0)
    fail("a directory, a count and a batch are needed");
  if (plan.many == 0 || plan.range == 0 || plan.range > UINT16_MAX || plan.threads == 0 ||
      plan.threads > MOST_THREADS)
    fail("too few or too many");
  /* Numbers of keys and writes are kept in 32 bits. */
  if (plan.count > UINT32_MAX / 16 || plan.writes > UINT32_MAX / 16) fail("too many operations");
  const struct engine *engine = engine_named(engine_name);
  const bool is_floor = strcmp(engine_name, "floor") == 0;
  if (engine == NULL && !is_floor && strcmp(engine_name, "copies") != 0)
    fail("no engine '%s'", engine_name);
  if (crash_tail != 0 && engine != NULL) run_crash_writer(engine, &plan, crash_tail);

  if (samples == NULL) fail("a file for the samples is needed");
  if (plan.setup.peak_entries == 0 || plan.setup.appended == 0) fail("entries are to be estimated");
  output_open(samples);
  output_fact("clock", "%s", clock_source());
  output_fact("ticks-per-second", "%.0f", clock_ticks_per_second());
  output_fact("stamp-after-loads-ns", "%.1f", clock_cost_after_loads());
  output_fact("stamp-after-stores-ns", "%.1f", clock_cost_after_stores());
  if (engine != NULL)
    run_workloads(engine, &plan);
  else if (is_floor)
    run_floor(&plan);
  else
    run_copy_comparison(&plan);
  output_close();
  return 0;
}
