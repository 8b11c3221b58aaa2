// Copies whose source may fault.
//
// A load from a mapping whose file was truncated, or whose page is poisoned, raises a signal; a
// system call that meets the same page returns EFAULT. So the kernel does the copying, with
// `process_vm_readv` on the own process. Where that call is refused (a seccomp filter, another
// kernel), a pipe takes its place: `write` reads the source, page by page, with the same answer.
// If there is neither, nothing is copied: the answer is then the whole count.
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core.h"

enum {
  fault_unit = 4096,        // the smallest page: what lies in one such unit faults as a whole
  bounce_size = 16 * 1024,  // on the stack; a system call for every so many bytes
};

static size_t bytes_to_page_end(const unsigned char *address) {
  return fault_unit - (uintptr_t)address % fault_unit;
}

/// One end-to-end transfer through the pipe. Never more than a page, which an empty pipe takes
/// without waiting. Returns false if the source faults (or the pipe fails).
static bool transfer(const int ends[2], unsigned char *d, const unsigned char *s, size_t count) {
  ssize_t written;
  do {
    written = write(ends[1], s, count);
  } while (written < 0 && errno == EINTR);
  if (written != (ssize_t)count) return false;
  for (size_t done = 0; done < count;) {
    const ssize_t got = read(ends[0], d + done, count - done);
    if (got > 0) {
      done += (size_t)got;
    } else if (got == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

size_t fl_copy_through_pipe(unsigned char *d, const unsigned char *s, size_t count) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return count;
  while (count > 0) {
    size_t piece = bytes_to_page_end(s);
    if (piece > count) piece = count;
    if (!transfer(ends, d, s, piece)) break;
    d += piece;
    s += piece;
    count -= piece;
  }
  close(ends[0]);
  close(ends[1]);
  return count;
}

size_t fl_copy_guarded(void *destination, const void *source, size_t count) {
  const int entry_errno = errno;
  unsigned char *d = destination;
  const unsigned char *s = source;
  // The call may stop short in front of a bad page, or refuse a range that holds one altogether:
  // after the first refusal, what is left is asked for page by page.
  bool page_by_page = false;
  while (count > 0) {
    size_t piece = count;
    if (page_by_page && piece > bytes_to_page_end(s)) piece = bytes_to_page_end(s);
    const struct iovec local = {d, piece};
    const struct iovec remote = {(void *)(uintptr_t)s, piece};
    const ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    if (got > 0) {
      d += got;
      s += got;
      count -= (size_t)got;
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else if (got < 0 && errno != EFAULT && errno != EINVAL) {
      count = fl_copy_through_pipe(d, s, count);
      break;
    } else if (piece > bytes_to_page_end(s)) {
      page_by_page = true;
    } else {
      break;
    }
  }
  errno = entry_errno;
  return count;
}

size_t fl_copy_unsafe_flushcache(const fl_core *core, void *destination, const void *source,
                                 size_t count) {
  _Alignas(FL_LINE_SIZE) unsigned char bounce[bounce_size];
  unsigned char *d = destination;
  const unsigned char *s = source;
  while (count > 0) {
    // The first piece ends on a line of the destination, so no line is stored twice.
    size_t piece = bounce_size - (uintptr_t)d % FL_LINE_SIZE;
    if (piece > count) piece = count;
    const size_t copied = piece - fl_copy_guarded(bounce, s, piece);
    fl_copy_flushcache(core, d, bounce, copied);
    d += copied;
    s += copied;
    count -= copied;
    if (copied < piece) break;
  }
  return count;
}
