// What a kernel does behind a failed sync: the dirty pages count as clean, the next sync succeeds, and
// what was written is gone as soon as the memory is used for something else.
//
// Each write to a watched file is kept with the bytes that stood there before. A sync that is done lets
// go of them; one that fails marks them, and `fault_forget` puts them back.
#include "layer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct kept_write {
  struct kept_write *older;
  ino_t file;
  int descriptor;  // of its own
  off_t offset;
  size_t count;
  bool is_lost;
  char bytes[];
} kept_write;

static kept_write *newest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static ino_t file_of(int descriptor) {
  struct stat status;
  return syscall(SYS_fstat, descriptor, &status) == 0 ? status.st_ino : 0;
}

void layer_keep_old(int descriptor, size_t count, off_t offset) {
  kept_write *kept = malloc(sizeof *kept + count);
  if (kept == NULL) return;
  *kept = (kept_write){.file = file_of(descriptor), .offset = offset, .count = count};
  long old = syscall(SYS_pread64, descriptor, kept->bytes, count, offset);
  if (old < 0) old = 0;
  memset(kept->bytes + old, 0, count - (size_t)old);
  kept->descriptor = (int)syscall(SYS_dup, descriptor);
  pthread_mutex_lock(&lock);
  kept->older = newest;
  newest = kept;
  pthread_mutex_unlock(&lock);
}

static kept_write *let_go(kept_write *kept) {
  kept_write *older = kept->older;
  syscall(SYS_close, kept->descriptor);
  free(kept);
  return older;
}

void layer_note_sync(int descriptor, bool done) {
  const ino_t file = file_of(descriptor);
  pthread_mutex_lock(&lock);
  kept_write **next = &newest;
  while (*next != NULL) {
    kept_write *kept = *next;
    if (kept->file != file || kept->is_lost) {
      next = &kept->older;
    } else if (done) {
      *next = let_go(kept);
    } else {
      kept->is_lost = true;
      next = &kept->older;
    }
  }
  pthread_mutex_unlock(&lock);
}

size_t fault_forget(void) {
  size_t count = 0;
  pthread_mutex_lock(&lock);
  while (newest != NULL) {
    if (newest->is_lost) {
      count++;
      syscall(SYS_pwrite64, newest->descriptor, newest->bytes, newest->count, newest->offset);
    }
    newest = let_go(newest);
  }
  pthread_mutex_unlock(&lock);
  return count;
}
