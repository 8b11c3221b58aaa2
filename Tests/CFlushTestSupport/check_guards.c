// Copies whose source faults: the count of bytes not copied is exact, and nothing else is stored.
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support.h"

size_t fl_copy_through_pipe(unsigned char *destination, const unsigned char *source, size_t count);

enum { page = 4096, good_pages = 12, pages = 16, good = good_pages * page };

static unsigned char *map_with_fault(cft_fault fault) {
  unsigned char *bytes = MAP_FAILED;
  if (fault == CFT_FAULT_TRUNCATED_FILE) {
    const int file = memfd_create("fault", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, pages * page) != 0) return NULL;
    bytes = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (bytes != MAP_FAILED) fill_random(bytes, good, 5);
    // In the middle of a page: what is left of that page reads as zeros, the next one faults.
    if (ftruncate(file, good - page / 2) != 0) return NULL;
    close(file);
  } else {
    bytes = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes != MAP_FAILED) fill_random(bytes, good, 5);
    // Not unmapped: in a process with other threads the hole would soon be theirs.
    if (mprotect(bytes + good, (pages - good_pages) * page, PROT_NONE) != 0) return NULL;
  }
  return bytes == MAP_FAILED ? NULL : bytes;
}

static size_t copy(const fl_core *core, cft_guard guard, unsigned char *d, const unsigned char *s,
                   size_t count) {
  switch (guard) {
    case CFT_GUARD_DRAM: return fl_copy_guarded(d, s, count);
    case CFT_GUARD_PIPE: return fl_copy_through_pipe(d, s, count);
    default: return fl_copy_unsafe_flushcache(core, d, s, count);
  }
}

const char *cft_check_guard(const fl_core *core, cft_fault fault, cft_guard guard) {
  unsigned char *const source = map_with_fault(fault);
  if (source == NULL) return failure("no mapping: %s", strerror(errno));
  unsigned char *const destination = line_aligned(pages * page + 256);
  static const size_t before[] = {0,    1,    7,     63,    64,    65,          4095, 4096,
                                  4097, 8192, 12345, 16384, 20000, 40000 + 3, good};
  static const size_t beyond[] = {0, 1, 8, 100, 4096, 8192 + 5};
  const char *message = NULL;
  for (size_t i = 0; i < 15 && message == NULL; i += 1) {
    for (size_t k = 0; k < 6 && message == NULL; k += 1) {
      for (size_t to = 0; to < 64 && message == NULL; to += 21) {
        unsigned char *const d = destination + to;
        memset(destination, guard_byte, pages * page + 256);
        const unsigned char *const s = source + good - before[i];
        errno = 1234;
        const size_t missing = copy(core, guard, d, s, before[i] + beyond[k]);
        if (missing != beyond[k]) {
          message =
              failure("%zu before, %zu beyond: %zu not copied", before[i], beyond[k], missing);
        } else if (before[i] > 0 && memcmp(d, s, before[i]) != 0) {
          message = failure("%zu before, %zu beyond: bytes differ", before[i], beyond[k]);
        } else if (d[before[i]] != guard_byte || d[before[i] + 63] != guard_byte) {
          message = failure("%zu before, %zu beyond: stored too much", before[i], beyond[k]);
        } else if (guard != CFT_GUARD_PIPE && errno != 1234) {
          message = failure("errno changed");
        }
      }
    }
  }
  munmap(source, pages * page);
  free(destination);
  return message;
}

bool cft_refuse_process_vm_readv(int error) {
  struct sock_filter instructions[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_process_vm_readv, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((unsigned)error & SECCOMP_RET_DATA)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {4, instructions};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  // For all threads: the test's body may move between them.
  return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}
