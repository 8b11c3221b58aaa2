/* crash.c - see crash.h. */
#define _GNU_SOURCE  /* pipe2 */
#include "crash.h"
#include "output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void leave_killed_writer(const struct engine *engine, const struct plan *plan) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2: %s", strerror(errno));
  const uint64_t count = plan->count / 100 < 1000 ? 1000 : plan->count / 100;
  char tail[24], value_length[24], peak[24], appended[24];
  snprintf(tail, sizeof tail, "%llu", (unsigned long long)count);
  snprintf(value_length, sizeof value_length, "%zu", plan->setup.value_length);
  snprintf(peak, sizeof peak, "%llu", (unsigned long long)plan->setup.peak_entries);
  snprintf(appended, sizeof appended, "%llu", (unsigned long long)plan->setup.appended);
  char *const arguments[] = {
      "bench-loop", "--crash-writer", tail, "--engine", (char *)engine->name, "--directory",
      (char *)plan->setup.directory, "--value-length", value_length, "--peak-entries", peak,
      "--appended", appended,
      plan->setup.byte_addressable ? "--byte-addressable" : NULL, NULL};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t writer;
  int error = posix_spawn(&writer, "/proc/self/exe", &actions, NULL, arguments, environ);
  if (error != 0) fail("posix_spawn: %s", strerror(error));
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  char byte;
  const ssize_t got = read(ends[0], &byte, 1);
  kill(writer, SIGKILL);
  waitpid(writer, NULL, 0);
  close(ends[0]);
  if (got != 1) fail("%s: the writer that was to be killed ended by itself", engine->name);
}

void wait_to_be_killed(void) {
  if (write(STDOUT_FILENO, "", 1) != 1) fail("write: %s", strerror(errno));
  for (;;) pause();
}

uint64_t bytes_allocated(const char *directory) {
  DIR *stream = opendir(directory);
  if (stream == NULL) fail("%s: %s", directory, strerror(errno));
  uint64_t result = 0;
  const struct dirent *entry;
  while ((entry = readdir(stream)) != NULL) {
    struct stat status;
    if (fstatat(dirfd(stream), entry->d_name, &status, 0) == 0 && S_ISREG(status.st_mode))
      result += (uint64_t)status.st_blocks * 512;
  }
  closedir(stream);
  return result;
}
