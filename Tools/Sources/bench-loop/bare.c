/* bare.c - see bare.h. */
#include "bare.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int bare_file(const struct plan *plan, size_t length) {
  char path[4096];
  snprintf(path, sizeof path, "%s/bare", plan->setup.directory);
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) fail("%s: %s", path, strerror(errno));
  unlink(path);
  int error = posix_fallocate(file, 0, (off_t)length);
  if (error != 0) fail("%s: %s", path, strerror(error));
  return file;
}

#if defined(__x86_64__)

#include <immintrin.h>

/* clwb may keep the line; clflush does not, and every x86-64 CPU has it. */
void bare_evict(uint8_t *memory, size_t length) {
  for (size_t at = 0; at < length; at += LINE) _mm_clflush(memory + at);
  _mm_mfence();
}

#else

void bare_evict(uint8_t *memory, size_t length) { (void)memory, (void)length; }

#endif

uint8_t *bare_map(const struct plan *plan, size_t length) {
  int file = bare_file(plan, length);
  uint8_t *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) fail("mmap: %s", strerror(errno));
  close(file);
  memset(memory, 0x5a, length);
  bare_evict(memory, length);
  return memory;
}

void bare_unmap(uint8_t *memory, size_t length) { munmap(memory, length); }

struct thread {
  pthread_t handle;
  pthread_barrier_t *start;
  void (*work)(void *context);
  void *context;
};

static void *start_together(void *opaque) {
  const struct thread *thread = opaque;
  pthread_barrier_wait(thread->start);
  thread->work(thread->context);
  return NULL;
}

void bare_together(const struct plan *plan, void (*work)(void *context), void *contexts,
                   size_t size) {
  struct thread threads[MOST_THREADS];
  pthread_barrier_t start;
  if (plan->threads == 1) {
    work(contexts);
    return;
  }
  pthread_barrier_init(&start, NULL, plan->threads);
  for (unsigned i = 0; i < plan->threads; i++) {
    threads[i] = (struct thread){
        .start = &start, .work = work, .context = (uint8_t *)contexts + i * size};
    if (pthread_create(&threads[i].handle, NULL, start_together, &threads[i]) != 0)
      fail("pthread_create");
  }
  for (unsigned i = 0; i < plan->threads; i++) pthread_join(threads[i].handle, NULL);
  pthread_barrier_destroy(&start);
}

struct part {
  bare_loop run;
  struct loop loop;
  void *context;
  struct output_result result;
};

static void run_part(void *opaque) {
  struct part *part = opaque;
  part->result = part->run(&part->loop, part->context);
}

struct output_result bare_run(const struct plan *plan, bare_loop run, struct loop loop,
                              void *contexts, size_t size) {
  struct part parts[MOST_THREADS];
  struct output_result results[MOST_THREADS];
  uint32_t *const samples = loop.samples;
  loop.count /= plan->threads;
  /* Several threads are timed by the wall, stamps included. */
  loop.more_plain = plan->threads > 1 ? 6 : 0;
  for (unsigned i = 0; i < plan->threads; i++) {
    loop.samples = samples + i * loop.count;
    parts[i] = (struct part){.run = run, .loop = loop, .context = (uint8_t *)contexts + i * size};
  }
  bare_together(plan, run_part, parts, sizeof *parts);
  if (plan->threads == 1) return parts[0].result;
  for (unsigned i = 0; i < plan->threads; i++) results[i] = parts[i].result;
  return output_together(results, plan->threads, samples);
}

uint64_t bare_count(const struct plan *plan, uint64_t most, size_t length) {
  const size_t largest = (size_t)1 << 30;
  if (plan->writes < most) most = plan->writes;
  return most * length <= largest ? most : largest / length;
}

const uint8_t *bare_source(const struct data *data, uint64_t operation) {
  struct operation put;
  data_prepare_extra(data, &put, operation);
  return put.value;
}
